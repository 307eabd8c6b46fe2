import socket

import pytest

import fcgi


@pytest.fixture
def held(tmp_path):
    """A listening socket that outlives the program, as systemd's does; its path."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.listen(512)
    yield listener, tmp_path / "socket"
    listener.close()


@pytest.fixture
def start(tmp_path, held):
    programs = []

    def begin(*arguments, ready=True, **settings):
        programs.append(fcgi.Program(tmp_path, held[0], *arguments, **settings))
        return programs[-1].heard("READY=1") if ready else programs[-1]

    yield begin
    for program in programs:
        program.end()
    if programs:
        print(programs[0].log())  # pytest shows it when the test has failed.
