# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around a server: the version that is there keeps answering, status and log tell, nothing leaks, and all is well again
without a restart when the cause is gone."""
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from email.utils import parsedate_to_datetime

import support
from clients import MODELS, Base, predict, predict_request, rest, states, status

sys.path.insert(0, os.path.join(support.ROOT, "tests", "soak"))
import big_model  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
QUICK = ("--max_num_load_retries=0", "--version_quiet_ms=50")
LOADED = r"Successfully loaded servable version \{name: m version: %d\}"
NOBODY = 65534


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def answers(server, version, name="m"):
    answer = predict(server, predict_request(name, x=[1, 2, 5]))
    assert not isinstance(answer, tuple), answer
    assert list(answer.outputs["y"].float_val) == [2.5, 3.0, 4.5]
    assert answer.model_spec.version.value == version, answer.model_spec


def message(server, version):
    return status(server, "m", version).model_version_status[0].status.error_message


class Faulty(unittest.TestCase):
    """Each begins with version 1 in use, and ends with a good version 9 and as many descriptors as before."""

    def setUp(self):
        self.base = Base()
        self.base.__enter__()
        self.addCleanup(self.base.__exit__)
        self.base.add(1)

    @contextlib.contextmanager
    def fault(self, *flags, **named):
        with support.Server(*QUICK, *flags, **{"rest": True, "model_name": "m", "model_base_path": self.base.path, **named}) as server:
            answers(server, 1)
            # What the threads of the first load need to have is there.
            before = descriptors(server)
            yield server
            self.base.add(9)
            server.await_log(LOADED % 9)
            answers(server, 9)
            server.await_log(r"Done unloading servable version \{name: m version: 1\}")
            self.assertLessEqual(descriptors(server), before + 1)


class Faults(Faulty):
    def check_bad_version(self, change, said):
        with self.fault() as server:
            self.base.add(2, change=change)
            server.await_log(r"Encountered an error for servable version \{name: m version: 2\}: ")
            self.assertEqual({1: "AVAILABLE", 2: "END"}, states(server, "m"))
            self.assertRegex(message(server, 2), said)
            answers(server, 1)

    def test_corrupt_versions_next_to_a_good_one(self):
        def replace(name, make):
            def change(folder):
                path = os.path.join(folder, name)
                os.remove(path)
                make(path)
            return change

        def write(data):
            def make(path):
                with open(path, "wb") as file:
                    file.write(data)
            return make
        index = os.path.join("variables", "variables.index")
        data = os.path.join("variables", "variables.data-00000-of-00001")
        for change, said in (
                (replace("saved_model.pb", write(b"")), "Could not find meta graph def matching supplied tags"),
                (replace("saved_model.pb", write(b"\xff" * 1000)), "saved_model.pb"),
                (replace("saved_model.pb", os.mkdir), "saved_model.pb"),
                (replace("saved_model.pb", os.mkfifo), "saved_model.pb"),
                (replace("saved_model.pb", lambda path: os.symlink("/dev/zero", path)), "saved_model.pb"),
                (replace("saved_model.pb", lambda path: os.symlink(path, path)), "Could not find SavedModel .pb or .pbtxt"),
                (replace(index, write(b"\0" * 200)), "variables.index"),
                (replace(index, os.mkfifo), "variables.index"),
                (replace(data, write(b"")), "has 4 bytes at offset 0, but the file ends at 0"),
                (replace(data, os.mkfifo), "variables.data"),
                (replace(data, lambda path: os.symlink("/nowhere", path)), "variables.data")):
            with self.subTest(said=said, change=change):
                self.setUp()
                self.check_bad_version(change, said)

    def test_an_empty_version(self):
        def empty(folder):
            shutil.rmtree(folder)
            os.mkdir(folder)
        self.check_bad_version(empty, "Could not find SavedModel .pb or .pbtxt at supplied export directory path")

    def test_a_base_path_that_vanishes(self):
        with self.fault() as server:
            os.rename(self.base.path, self.base.path + ".away")
            server.await_log("Could not find base path ")
            answers(server, 1)
            os.rename(self.base.path + ".away", self.base.path)

    def test_a_base_path_that_becomes_a_file(self):
        with self.fault() as server:
            os.rename(self.base.path, self.base.path + ".away")
            with open(self.base.path, "wb") as file:
                file.write(b"\x80 no manifest")
            server.await_log("^(?!.*Running).*" + self.base.path + ".*")
            answers(server, 1)
            os.remove(self.base.path)
            os.rename(self.base.path + ".away", self.base.path)

    def test_a_version_that_is_deleted_while_it_loads(self):
        with self.fault() as server:
            for version in range(2, 8):
                big_model.write_model(os.path.join(self.base.scratch, "big"), 32)
                os.rename(os.path.join(self.base.scratch, "big"), os.path.join(self.base.path, str(version)))
                server.await_log(r"\{name: m version: %d\}.*" % version)
                shutil.rmtree(os.path.join(self.base.path, str(version)))
                # It comes and goes, or it fails, or it is never taken; then version 1 is the newest again.
                while states(server, "m").get(1) != "AVAILABLE" or states(server, "m").get(version, "END") != "END":
                    pass
                answers(server, 1)

    def test_a_log_on_a_full_disk(self):
        """Nobody can write to /dev/full."""
        port = support.free_port()
        with open("/dev/full", "w", encoding="utf-8") as full, subprocess.Popen(
                [support.program("tensord"), f"--rest_api_port={port}", f"--port={support.free_port()}", "--model_name=m",
                 f"--model_base_path={self.base.path}", "--verbose"], stdout=full, stderr=full) as process:
            try:
                self.await_version(port, process, 1)
                self.base.add(2)
                self.await_version(port, process, 2)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(0, process.wait(60))
            finally:
                process.kill()


    def await_version(self, port, process, version):
        while process.poll() is None:
            connection = http.client.HTTPConnection("localhost", port, timeout=60)
            with contextlib.suppress(ConnectionError):
                connection.request("GET", f"/v1/models/m/versions/{version}")
                if b"AVAILABLE" in connection.getresponse().read():
                    return
            connection.close()
        self.fail("the server has ended")


class Unreadable(Faulty):
    """By a user whom permissions mean something to, with nothing of its own to write to."""

    def setUp(self):
        super().setUp()
        os.chmod(self.base.scratch, 0o755)

    @contextlib.contextmanager
    def fault(self, *flags, **named):
        if os.geteuid() != 0:
            with super().fault(*flags, **named) as server:
                yield server
            return
        popen = subprocess.Popen
        subprocess.Popen = lambda command, **options: popen(command, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", **options)
        try:
            with super().fault(*flags, **named) as server:
                subprocess.Popen = popen
                yield server
        finally:
            subprocess.Popen = popen

    def test_a_base_path(self):
        with self.fault() as server:
            os.chmod(self.base.path, 0)
            server.await_log(self.base.path + ".*Permission denied")
            answers(server, 1)
            os.chmod(self.base.path, 0o755)

    def test_a_version(self):
        with self.fault() as server:
            self.base.add(2, change=lambda folder: os.chmod(folder, 0))
            server.await_log(r"Encountered an error for servable version \{name: m version: 2\}: .*Permission denied")
            answers(server, 1)
            os.chmod(os.path.join(self.base.path, "2"), 0o755)
            server.await_log(LOADED % 2)
            answers(server, 2)


class Configs(unittest.TestCase):
    def setUp(self):
        self.base = Base()
        self.base.__enter__()
        self.addCleanup(self.base.__exit__)
        for version in ("a/1", "b/1"):
            os.makedirs(os.path.join(self.base.path, os.path.dirname(version)), exist_ok=True)
            self.base.add(version)
        self.file = os.path.join(self.base.scratch, "models.conf")

    def write(self, *models):
        text = "".join(f"config {{ name: '{name}' base_path: '{os.path.join(self.base.path, name)}' model_platform: '{platform}' }}\n"
                       for name, platform in models)
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            file.write(f"model_config_list {{ {text} }}")
        os.rename(self.file + ".new", self.file)

    def test_a_file_that_goes_bad(self):
        tf = "tensorflow"
        self.write(("a", tf))
        with support.Server("--model_config_file_poll_wait_seconds=1", *QUICK, model_config_file=self.file) as server:
            for spoil, said in ((lambda: os.remove(self.file), "NOT_FOUND"),
                                (lambda: self.write(("a", tf), ("b", "torch")), "Model b requests unsupported platform torch"),
                                (lambda: self.write(("a", tf), ("a", tf)), "Illegal to list model a multiple times in config list")):
                spoil()
                server.await_log("models.conf: all stays as it was: .*" + said)
                answers(server, 1, "a")
            self.write(("a", tf), ("b", tf))
            server.await_log(r"Successfully loaded servable version \{name: b version: 1\}")
            answers(server, 1, "b")


class Clocks(unittest.TestCase):
    def date(self, server):
        return parsedate_to_datetime(rest(server, "GET", "/v1/models/m").headers["date"]).timestamp()

    def test_the_wall_clock_jumps(self):
        with Base() as base:
            library, shift = os.path.join(base.scratch, "shifted_clock.so"), os.path.join(base.scratch, "shift")
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "faults", "shifted_clock.c")], check=True)
            with open(shift, "w", encoding="utf-8") as file:
                file.write("0")
            base.add(1)
            env = {"LD_PRELOAD": library, "SHIFTED_CLOCK": shift, "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}
            with support.Server(*QUICK, rest=True, env=env, model_name="m", model_base_path=base.path) as server:
                for version, seconds in ((2, 86400), (3, -86400), (4, -40 * 365 * 86400), (5, 0)):
                    with open(shift + ".new", "w", encoding="utf-8") as file:
                        file.write(str(seconds))
                    os.rename(shift + ".new", shift)
                    base.add(version, change=lambda folder: os.utime(os.path.join(folder, "saved_model.pb")))
                    server.await_log(LOADED % version, timeout=20)
                    answers(server, version)
                    # The header is made once a second.
                    until = time.monotonic() + 60
                    while abs(self.date(server) - time.time() - seconds) > 10:
                        self.assertLess(time.monotonic(), until)


class Kills(unittest.TestCase):
    def test_killed_and_started_again(self):
        """On the same ports and socket, at once; in the middle of a load, too."""
        with Base() as base, tempfile.TemporaryDirectory() as folder:
            base.add(1)
            named = {"model_name": "m", "model_base_path": base.path, "port": support.free_port(), "rest_api_port": support.free_port(),
                     "grpc_socket_path": os.path.join(folder, "socket")}
            for version in (2, 3, 4):
                server = support.Server(*QUICK, rest=True, **named)
                answers(server, version - 1 if version == 2 else 1)
                big_model.write_model(os.path.join(base.scratch, "big"), 64)
                os.rename(os.path.join(base.scratch, "big"), os.path.join(base.path, str(version)))
                server.await_log(r"\{name: m version: %d\}" % version)
                server.process.kill()
                server.process.wait()
                server.channel.close()
                shutil.rmtree(os.path.join(base.path, str(version)))
            with support.Server(*QUICK, rest=True, **named) as server:
                answers(server, 1)
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(named["grpc_socket_path"])


if __name__ == "__main__":
    unittest.main()
