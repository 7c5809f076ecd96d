"""``cnnlab ui`` as a process, and what it refuses."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request


def test_the_page_is_served_until_it_is_ended(finished_run, tmp_path):
    options = ["--runs", finished_run, "--port", "0", "--json"]
    command = [sys.executable, "-m", "cnnlab", "ui", *options]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        said = ""
        while "}" not in said:
            said += process.stdout.readline()
        address = json.loads(said)["address"]
        with urllib.request.urlopen(address) as answer:
            assert "first" in answer.read().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_an_address_that_is_taken_or_none_is_one_line(cnnlab):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = cnnlab("ui", "--port", taken.getsockname()[1])
    assert done.code == 2
    assert "cannot listen on 127.0.0.1" in done.err
    assert done.err.count("\n") == 1
    done = cnnlab("ui", "--host", "no.such.host.invalid")
    assert done.code == 2
    assert "no such address" in done.err
    assert cnnlab("ui", "--port", "70000").code == 2
