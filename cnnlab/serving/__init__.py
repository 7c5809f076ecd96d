"""The prediction server: HTTP in front, image decoders and the model each in processes of theirs.

``server.py`` starts and stops it; ``door.py`` lets requests in; ``app.py`` answers them;
``predictor.py`` leads images through the two kinds of worker. What the workers run,
``decoder.py`` and ``model_worker.py``, imports nothing of the web.
"""
