"""The same training by Keras and by cnnlab."""
