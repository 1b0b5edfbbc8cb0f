# SPDX-License-Identifier: BSD-2-Clause
"""A database server, which does not run as root, with the stack of pam_totp(8)."""
import glob
import os
import shutil
import subprocess

import pytest

from host import DIR, STORE, run, wait_for
from test_recipes import recipe

BIN = next(glob.iglob("/usr/lib/postgresql/*/bin"))
HOME = "/home/postgres"
POSTGRES = 64010


def as_postgres(*argv):
    return ("setpriv", f"--reuid={POSTGRES}", f"--regid={POSTGRES}", "--clear-groups",
            "--reset-env", "env", "LC_ALL=C.UTF-8", *argv)


def openssl(*words):
    run("openssl", *words, cwd=HOME)


def make_certificates():
    """From a certificate authority of our own: the server's files, and alice's."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
            "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
    for name in "localhost", "alice":
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-out", f"{name}.crt")
    for name in "localhost.key", "localhost.crt", "ca.crt":
        os.chown(f"{HOME}/{name}", POSTGRES, POSTGRES)


@pytest.fixture
def database(host):
    for path, line in (("/etc/passwd", f"postgres:x:{POSTGRES}:{POSTGRES}::{HOME}:/bin/sh"),
                       ("/etc/group", f"postgres:x:{POSTGRES}:")):
        run("sed", "-i", "/^postgres:/d", path)
        with open(path, "a") as file:
            file.write(line + "\n")
    host.serve(fail_delay=0, may_check="postgres")
    files = recipe("PostgreSQL, certificate and code")
    assert files["/etc/security/pam_totp.conf"] == "may_check = postgres\n"
    host.pam("postgresql", *files["/etc/pam.d/postgresql"].splitlines())
    os.makedirs(HOME, 0o700)
    make_certificates()
    os.chown(HOME, POSTGRES, POSTGRES)
    data = f"{HOME}/data"
    run(*as_postgres(f"{BIN}/initdb", "--auth=trust", "--no-sync", "-D", data), cwd="/")
    with open(f"{data}/postgresql.conf", "a") as file:
        file.write(f"listen_addresses = '127.0.0.1'\nunix_socket_directories = '{HOME}'\n"
                   f"jit = off\nfsync = off\nssl = on\nssl_ca_file = '{HOME}/ca.crt'\n"
                   f"ssl_cert_file = '{HOME}/localhost.crt'\nssl_key_file = '{HOME}/localhost.key'\n")
    with open(f"{data}/pg_hba.conf", "w") as file:
        file.write("local all all trust\n" + files["/etc/postgresql/15/main/pg_hba.conf"])
    with open(f"{DIR}/postgresql.log", "w") as log:
        server = subprocess.Popen(as_postgres(f"{BIN}/postgres", "-D", data), stdout=log,
                                  stderr=log, cwd="/")
    try:
        assert wait_for(lambda: subprocess.run(
            as_postgres(f"{BIN}/psql", "-h", HOME, "-d", "postgres", "-c", "create role alice login"),
            capture_output=True, cwd="/").returncode == 0, 20), open(f"{DIR}/postgresql.log").read()
        yield host
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(HOME)


def select(password, key="alice"):
    """What alice gets from the server; psql takes the code for a password."""
    return subprocess.run(
        [f"{BIN}/psql", "-Atc", "select current_user",
         f"host=localhost user=alice dbname=postgres sslmode=verify-full sslrootcert={HOME}/ca.crt "
         f"sslcert={HOME}/{key}.crt sslkey={HOME}/{key}.key"],  # otherwise the client sends none
        env={"PATH": os.environ["PATH"], "PGPASSWORD": password, "HOME": "/root"},
        capture_output=True, text=True, timeout=30)


def test_a_database_server_checks_codes_and_sees_no_secret(database):
    phone = database.enroll("alice")
    code = phone.code()
    assert select(code).stdout == "alice\n"
    event = database.event()
    assert (event["user"], event["service"], event["outcome"]) == ("alice", "postgresql", "allow")
    assert event["source"] == f"uid:{POSTGRES}"
    for answer in code, phone.wrong(), "":
        said = select(answer)
        assert said.returncode != 0 and said.stdout == "", said
    assert [event["reason"] for event in database.events()][:3] == ["code", "used_code", "wrong_code"]
    count = len(database.events())
    assert select(phone.code(1), key="none").returncode != 0 and len(database.events()) == count
    assert select(phone.code(1), key="localhost").returncode != 0, "another's certificate"
    assert select(phone.code(1)).stdout == "alice\n"
    run(*as_postgres("ls", f"{STORE}/users"), fail=True, cwd="/")
    database.stop_totpd()
    assert select(phone.code(2)).returncode != 0
