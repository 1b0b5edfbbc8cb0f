# SPDX-License-Identifier: BSD-2-Clause
"""
Sweeps: each allocation, request for random bytes and call of libcrypto fails, once and from then
on; each transfer is a short one; each system call fails, or is the last that the process makes.

sweep.py LOGIN TOOLS FAILING [TEST...]
    LOGIN TOOLS   as fault.py, whose scene this uses
    FAILING       failing.c's library
FAULT_LONG: every call of each flow, and not a sample.
"""
import collections
import os
import re
import subprocess
import sys

FAILING = os.path.abspath(sys.argv.pop(3))

import fault  # noqa: E402: it reads the other arguments
import flows  # noqa: E402
from fault import Failure, TOOLS, inject, require, run, say, trace, was_killed, with_call  # noqa: E402
from plan import Plan, faults, faults_of, sample  # noqa: E402

def run_flow(flow, plan, **wanted):
    """Run it with this fault, and look at the store: did it succeed?"""
    flow.reset()
    plan.make(is_marked=flow.marked, **wanted)
    try:
        done = run(*flow.words(), check=False, env=dict(os.environ, **plan.variables))
        first, last = wanted.get("first"), wanted.get("last")
        if first == last:
            plan.names[first] = plan.failed
        flow.failed = plan.names.get(first)  # of those that fail from it on, the first one
        return flow.check(done)
    except (Failure, subprocess.TimeoutExpired) as failure:
        raise Failure(f"{plan.failed}, {wanted}: {failure}") from failure


def is_safe_if_a_call_of_a_library_fails(scene, kind):
    """Of a login with a right code each call, in the short form too."""
    flow, plan = kind(scene), Plan(FAILING, scene.path("plan"))
    require(run_flow(flow, plan), "it fails without a fault")
    total = plan.count
    require(total > 10, f"{total} calls")
    succeeded = collections.Counter(run_flow(flow, plan, first=first, last=last)
                                    for first, last in
                                    faults(total, list if kind is flows.Login else sample))
    say(f"{sum(succeeded.values())} points at {total} calls; it succeeded with {succeeded[True]}")


def is_safe_if_little_is_read_or_written_at_once(scene, kind):
    """A read goes on; a write that is short means that the disk is full."""
    flow, plan = kind(scene), Plan(FAILING, scene.path("plan"))
    require(run_flow(flow, plan, is_short=True), "it fails without a fault")
    total, seen = plan.count, collections.Counter()
    for first, last in faults(total):
        succeeded = run_flow(flow, plan, first=first, last=last, is_short=True)
        require(succeeded or first < last or "write" in plan.failed, f"it failed at {plan.failed} number {first}")
        seen[succeeded] += 1
    say(f"{sum(seen.values())} points at {total} calls; it succeeded with {seen[True]}")


def without_memory_for_libcrypto_no_login_is_wrongly_allowed(scene):
    """
    A sample of the thousands of calls of its initialization; libcrypto 3.0 itself dies at some.
    """
    flow, plan = flows.Login(scene), Plan(FAILING, scene.path("plan"))
    plan.variables["FAILING_COLD"] = "1"
    require(run_flow(flow, plan), "it fails without a fault")
    total, died = plan.count, 0
    for number in range(1, total + 1, 101):
        flow.reset()
        plan.make(first=number, last=number, is_marked=True)
        done = run(*flow.words(), check=False, env=dict(os.environ, **plan.variables))
        died += done.returncode != 0
        try:
            flow.check(done if done.returncode == 0 else None)
        except Failure as failure:
            raise Failure(f"{plan.failed}, {number}: {failure}") from failure
    say(f"every 101st of {total} calls failed in turn; libcrypto died {died} times")


# ---- system calls

def calls_of(flow, scene):
    """Those that count: between the program's marks, or from reading the policy on."""
    flow.reset()
    calls = trace(*flow.words())
    if flow.marked:
        marks = [i for i, call in enumerate(calls) if call.name == "getppid"]
        calls = calls[marks[0] + 1:marks[-1]]
    else:
        first = next(i for i, call in enumerate(calls) if scene.path("conf") in call.line and
                     call.name == "openat")
        calls = calls[first:]
    audit = [i for i, call in enumerate(calls) if "NETLINK_AUDIT" in call.line]  # libpam's own
    return calls[:audit[0] if audit and flow.marked else None]


def is_safe_if_a_system_call_fails_or_is_the_last(scene, kind):
    flow = kind(scene)
    points = sample([(call, what) for call in calls_of(flow, scene) for what in faults_of(call)])
    for call, what in points:
        flow.reset()
        done = inject(call, what, *flow.words())
        killed = what == "signal=KILL"
        with_call(call._replace(line=f"{what}: {call.line}"), require,
                  killed == was_killed(done), f"exit {done.returncode}")
        with_call(call._replace(line=f"{what}: {call.line}"), flow.check,
                  None if killed else done, call.name)
    say(f"{len(points)} points")


# ---- all of them

def sentence(kind):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def on(kind, test):
    def one(scene):
        test(scene, kind)
    one.__name__ = f"{sentence(kind)}_{test.__name__}"
    return one


# ---- is every call covered?

# What cannot fail, or what has no effect where it fails: releases, reads of a field, comparisons,
# settings, and the reasons of errors.
HARMLESS = re.compile(r"\w+_free$|ERR_|EVP_(sha|aes)\w+$|EVP_EncodeBlock$|BIO_s_mem$|TLS_client_method$|"
                      r"X509_(cmp|get\w+|verify_cert_error_string)$|X509V3_set_ctx$|"
                      r"SSL_(get\w+|CTX_set_(verify|options))$")
HARMLESS_OF_CLUSTER = re.compile(r"curl_(easy_cleanup|easy_strerror|slist_free_all|version_info)$")
BY_MALLOC = {"strdup", "strndup", "getline", "open_memstream", "fmemopen", "fdopen", "fopen64",
             "opendir", "fdopendir", "scandir64", "scandirat64",
             "__getdelim", "__asprintf_chk", "__vasprintf_chk", "reallocarray"}
ALLOCATES = re.compile(r"\w*(alloc|memalign)\w*$|\w*dup$|getline$|_*getdelim$|_*v?asprintf\w*$|scandir\w*$|"
                       r"f?d?opendir$|open_w?memstream$|fd?open(64)?$|fmemopen$")
NO_ALLOCATION = {"dup", "fallocate64", "malloc_usable_size"}
TRANSFERS = re.compile(r"_*p?(read|write)v?(2|64)?(_chk)?$")


def symbols(path, which):
    return {line.split()[-1] for line in run("nm", "-D", which, path).stdout.splitlines()}


def every_call_that_can_fail_is_made_to_fail(_):
    covered = {name.partition("@")[0] for name in symbols(FAILING, "--defined-only")}
    build = os.path.dirname(TOOLS)
    programs = [f"{build}/{path}" for path in
                ("pam_totp.so", "totpd/totpd", "enroll-tool/totp-enroll", "enroll-tool/totpctl",
                 "lib/pam_totp_etcd.so")]
    lacking = set()
    for program in filter(os.path.exists, programs):
        for symbol in symbols(program, "--undefined-only"):
            name, _, version = symbol.partition("@")
            if version.startswith("OPENSSL_") and not HARMLESS.match(name):
                lacking |= {name} - covered
            if version.startswith("CURL_") and not HARMLESS_OF_CLUSTER.match(name):
                lacking |= {name} - covered
            if version.startswith("GLIBC_") and ALLOCATES.match(name):
                lacking |= {name} - covered - BY_MALLOC - NO_ALLOCATION
            if version.startswith("GLIBC_") and TRANSFERS.match(name):
                lacking |= {name} - covered
    require(not lacking, f"failing.c does not know {sorted(lacking)}")
    say(f"{len(covered)} functions")


TESTS = [every_call_that_can_fail_is_made_to_fail,
         without_memory_for_libcrypto_no_login_is_wrongly_allowed] + [
    on(kind, test) for kind in flows.IN_PROCESS + flows.BY_TOOLS
    for test in (is_safe_if_a_call_of_a_library_fails, is_safe_if_little_is_read_or_written_at_once,
                 is_safe_if_a_system_call_fails_or_is_the_last)]

if __name__ == "__main__":
    if "FAULT_INSIDE" not in os.environ:
        sys.argv.insert(3, FAILING)  # for the process inside
    fault.begin(TESTS)
