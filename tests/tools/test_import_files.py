# SPDX-License-Identifier: BSD-2-Clause
"""
totpctl import: the files in which vendors deliver tokens and other systems export them. Encrypted
ones are made here with openssl.
"""

import base64
import hashlib
import hmac
import os
import re
import shutil
import subprocess
import time
import urllib.parse

import pytest

from host import KNOWN, OTHER_SECRET, SECRET, code_at, host, bare
from test_import import (HEX, OF_HEX, PLAIN, PSKC, at_terminal, container, hotp, phrase_file, pskc_key,
                         users_oath)


def tokens_of(host, user):
    return re.findall(r'^token +"([^"]*)": (.*)', host.done("show", user), re.M)


# ---- lines that mean nothing

def test_a_mistyped_line_of_users_oath_is_named_and_stops_the_import(host):
    path = users_oath(host, f"HOTP/T30 bob.x - {HEX}24", f"HTOP/T30 user1.x - {HEX}31",
                      f"TOTP/30/6 carol.x - {HEX}32", "", "# a comment")
    said = host.refused("import", "oath", path)
    for line in 2, 3:
        assert f"{path}:{line}: type: expected HOTP, HOTP/E or HOTP/T30" in said
    assert f"{path}:1:" not in said and "nothing is imported: 2 of 3" in said
    assert os.listdir(host.store / "users") == []
    ran = host.run("import", "oath", "--keep-going", path)
    assert (ran.returncode, ran.stdout) == (1, "1 user imported\n")
    assert "2 left out" in ran.stderr


def test_a_file_that_is_no_list_imports_nothing_and_fails(host):
    path = host.csv("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n", "passwd")
    for kind in "oath", "otpauth", "csv", "tokens":
        said = host.refused("import", kind, path)
        assert f"{path}:1: " in said and f"{path}:2: " in said and "nothing is imported" in said


@pytest.mark.parametrize("text, said", [
    ('{"version": 1,\n "entries": [\n  {"type": "totp"}\n ]\n}\n', "a JSON file: export the accounts"),
    ('\n [{"secret": "x"}]\n', "a JSON file"),
    ("<?xml version='1.0'?>\n<KeyContainer/>\n", "which totpctl import pskc reads"),
    ("PK\x03\x04\0\0\0\0\n\n\n", "not a text file"),
])
def test_a_file_of_another_kind_gets_one_sentence(host, text, said):
    path = host.csv(text, "export")
    for kind in "otpauth", "csv", "oath", "tokens":
        refused = host.refused("import", kind, "--keep-going", path)
        assert refused.startswith(f"totpctl: nothing is imported: {path}: ") and said in refused
        assert refused.count(str(path)) == 1


def test_lines_of_google_authenticator_that_mean_nothing_are_reported(host):
    path = host.directory / "alice.x"
    path.write_text(f'{SECRET}\n" TOTP_AUTH\n" STEPSIZE 60\n12345678\n1234567\n87654321\n')
    path.chmod(0o600)
    ran = host.run("import", "google", path)
    assert (ran.returncode, ran.stdout) == (1, "1 user imported\n")
    assert f"{path}:3: not imported: 3 lines, from this one on" in ran.stderr


# ---- base32 and names

CUT, WHOLE = "S46SQCPPTCNPROMHWYBDCTBZXV", "S46SQCPPTCNPROMHWYBDCTBZXU"


@pytest.mark.parametrize("kind, text", [
    ("csv", f"alice.x,{CUT}\n"),
    ("otpauth", f"otpauth://totp/alice.x?secret={CUT}\n"),
    ("otpauth", f"otpauth://totp/alice.x?secret={CUT}%3D%3D%3D%3D%3D%3D\n"),
    ("otpauth", f"otpauth://totp/alice.x?secret={'%20'.join(CUT[i:i + 4] for i in range(0, 26, 4))}\n"),
])
def test_bits_that_fill_no_byte_are_dropped_with_a_warning(host, kind, text):
    ran = host.run("import", kind, "-", stdin=text)
    assert (ran.returncode, ran.stdout) == (0, "1 user imported\n"), ran.stderr
    assert "standard input:1: warning: the last bits of the secret fill no byte" in ran.stderr
    assert host.attempt("alice.x", code_at(time.time(), WHOLE + "======")) == "allow code"


def test_a_secret_may_be_percent_encoded_and_a_whole_one_gets_no_warning(host):
    text = f"otpauth://totp/alice.x?secret={WHOLE}%3d%3D%3D%3D%3D%3D\n"
    assert host.done("import", "otpauth", "-", stdin=text) == "1 user imported\n"


def test_names_are_shown_as_they_are_and_columns_are_aligned(host):
    names = ["zoë.x", "李雷.x", "alice.x"]
    text = "".join(f"{name},{SECRET}\n" for name in names)
    ran = host.run("import", "csv", "--dry-run", "-", stdin=text)
    for name in names:
        assert f"import     {name}: 1 token" in ran.stdout
    host.done("import", "csv", "-", stdin=text)
    assert "standard input:1: zoë.x is enrolled already" in host.run("import", "csv", "-", stdin=text).stderr
    rows = {line.split()[0]: line for line in host.done("list").splitlines()[1:]}
    for name, columns in zip(names, (5, 6, 7)):
        assert rows[name].startswith(name + " " * (18 - columns) + "no-account")
    host.done("recovery", "zoë.x", "--save", host.directory / "page")
    assert "Recovery codes of zoë.x for" in (host.directory / "page").read_text()


# ---- lists of hardware tokens

ENTRA = "upn,serial number,secret key,time interval,manufacturer,model"


def test_the_list_that_vendors_deliver_for_entra_is_imported(host):
    path = host.csv("\ufeff" + ENTRA + "\r\n"
                    f"Helga.x@contoso.example,1234567,2234567abcdef2234567abcdef,60,Contoso,HardwareKey\r\n"
                    f'{KNOWN}@contoso.example,1234568,{SECRET},30,"Contoso, Ltd",HardwareKey\r\n'
                    f"{KNOWN}@contoso.example,1234569,{OTHER_SECRET},,,\r\n")
    for kind in "tokens", "csv":
        ran = host.run("import", kind, "--replace", path)
        assert ran.returncode == 0 and ran.stdout.startswith(("2 users imported", "0 users imported, 2 replaced"))
        assert f"{path}:2: warning: the last bits" in ran.stderr and f"{path}:3: " not in ran.stderr
    assert tokens_of(host, KNOWN) == [("1234568", "TOTP, SHA1, 6 digits, 30 seconds"),
                                      ("1234569", "TOTP, SHA1, 6 digits, 30 seconds")]
    assert tokens_of(host, "Helga.x@contoso.example") == [("1234567", "TOTP, SHA1, 6 digits, 60 seconds")]
    assert host.attempt(KNOWN, code_at(time.time(), OTHER_SECRET)) == "allow code"


def test_a_list_for_entra_without_users_takes_them_from_another_list(host):
    path = host.csv(f"Serial Number,Secret Key,Time Interval,Manufacturer,Model\n"
                    f"0001,{SECRET},30,x,y\n0002,{OTHER_SECRET},30,x,y\n", "tokens.csv")
    users = host.csv("0002,bob.x\n0001,alice.x\n")
    assert host.done("import", "tokens", "--users", users, path) == "2 users imported\n"
    assert host.attempt("bob.x", code_at(time.time(), OTHER_SECRET)) == "allow code"
    assert f"{path}:2: no user: --users FILE" in host.refused("import", "tokens", path)


@pytest.mark.parametrize("header, row, said", [
    (ENTRA + ",colour", "", "1: column 7: expected upn, serial number, secret key"),
    ("upn,upn,serial number,secret key", "", "1: column 2: expected"),
    ("upn,secret key", "", "1: expected a column serial number"),
    (ENTRA, "a.x,1,0189,30,x,y", "2: secret key: not base32"),
    (ENTRA, f"a.x,1,{SECRET},5,x,y", "2: period: expected a number from 15 to 300"),
    (ENTRA, f"a.x,1,{SECRET},30,x,y,z", "2: more than the 6 fields of the header"),
    (ENTRA, f"a.x,,{SECRET},30,x,y", "2: serial: expected"),
    (ENTRA, f'a.x,1,"{SECRET},30,x,y', "2: a quote that does not end"),
    (ENTRA, f'a.x,1,"{SECRET}"x,30,x,y', "2: text after a quoted field"),
])
def test_a_mistake_in_a_list_for_entra_is_named_with_its_line(host, header, row, said):
    path = host.csv(f"{header}\n{row}\n")
    refused = host.refused("import", "tokens", path)
    assert f"{path}:{said}" in refused and SECRET not in refused
    assert os.listdir(host.store / "users") == []


SEEDS = [HEX, "61" + HEX, "62" + HEX, "63" + HEX, "64" + HEX, "65" + HEX, "66" + HEX]


def test_seeds_in_hexadecimal_are_imported_as_each_system_writes_them(host):
    path = host.csv("\n".join([
        f"tok1, {SEEDS[0]}",                                # LinOTP: a counter by default
        f"tok2,{SEEDS[1].upper()},TOTP,8,60",
        f"tok3,{SEEDS[2]},hotp,6,7",                        # privacyIDEA: the next counter
        f"tok4,{SEEDS[3]},totp,6,30,sha256",
        f'"tok5","{SEEDS[4]}","9"',                         # Duo
        f"tok6;Maker;TOTP;{SEEDS[5]};6;30",                 # multiOTP
        f"tok7;Maker;HOTP;{SEEDS[6]};8;3"]) + "\n", "tokens.csv")
    users = host.csv("".join(f"tok{i},user{i}.x\n" for i in range(1, 8)))
    assert host.done("import", "tokens", path, "--users", users) == "7 users imported\n"
    expected = ["HOTP, SHA1, 6 digits", "TOTP, SHA1, 8 digits, 60 seconds", "HOTP, SHA1, 6 digits",
                "TOTP, SHA256, 6 digits, 30 seconds", "HOTP, SHA1, 6 digits",
                "TOTP, SHA1, 6 digits, 30 seconds", "HOTP, SHA1, 8 digits"]
    for i, what in enumerate(expected, 1):
        assert tokens_of(host, f"user{i}.x") == [(f"tok{i}", what)]
    secrets = [base64.b32encode(bytes.fromhex(seed)).decode() for seed in SEEDS]
    assert host.attempt("user1.x", hotp(0)) == "allow code"
    assert host.attempt("user3.x", hotp(6, secrets[2])) == "deny used_code"
    assert host.attempt("user3.x", hotp(7, secrets[2])) == "allow code"
    assert host.attempt("user5.x", hotp(9, secrets[4])) == "allow code"
    assert host.attempt("user7.x", hotp(3, secrets[6], 8)) == "allow code"


def test_duo_s_time_based_tokens_have_an_interval_and_no_type(host):
    path = host.csv(f'"1001","{HEX}","60"\n"1002","61{HEX}"\n', "tokens.csv")
    users = host.csv("1001,alice.x\n1002,alice.x\n")
    assert host.done("import", "tokens", "--totp", "--users", users, path) == "1 user imported\n"
    assert tokens_of(host, "alice.x") == [("1001", "TOTP, SHA1, 6 digits, 60 seconds"),
                                          ("1002", "TOTP, SHA1, 6 digits, 30 seconds")]


@pytest.mark.parametrize("line, said", [
    ("tok1", "seed: not hexadecimal"),
    ("tok1,313233", "seed: expected 10 to 128 bytes"),
    (f"tok1,{HEX[:-1]}g", "seed: not hexadecimal"),
    (f",{HEX}", "serial: expected the token's number"),
    (f"tok1,{HEX},ocra", "type: expected hotp or totp"),
    (f"tok1,{HEX},totp,5", "digits: expected a number from 6 to 8"),
    (f"tok1,{HEX},totp,6,10", "period: expected a number from 15 to 300"),
    (f"tok1,{HEX},hotp,6,x", "counter: expected a number"),
    (f"tok1,{HEX},totp,6,30,md5", "hash: expected sha1, sha256 or sha512"),
    (f"tok1,{HEX},totp,6,30,sha1,x", "more than six fields"),
])
def test_a_mistake_in_a_list_of_seeds_is_named_with_its_line(host, line, said):
    path = host.csv(line + "\n", "tokens.csv")
    refused = host.refused("import", "tokens", path)
    assert f"{path}:1: {said}" in refused and HEX not in refused


def test_lines_of_users_that_cannot_count_are_reported(host):
    path = host.csv(f"tok1,{HEX}\n", "tokens.csv")
    users = host.csv("tok1,alice.x\ntok2,bob.x\ntok1,carol.x\nnonsense\n")
    said = host.refused("import", "tokens", "--users", users, path)
    assert f"{users}:2: there is no token with that serial number" in said
    assert f"{users}:3: the serial number is in line 1 already" in said
    assert f"{users}:4: expected serial,user" in said


# ---- encrypted PSKC

XENC = "http://www.w3.org/2001/04/xmlenc#"
# RFC 6030, figure 6: the key 12345678901234567890123456789012 was agreed on before
FIGURE_6_KEY = "12345678901234567890123456789012"
FIGURE_6 = {"mac_key": "ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX",
            "secret": "AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv",
            "mac": "Su+NvtQfmvfJzF6bmQiJqoLRExc="}
# figure 7: PBKDF2 of "qwerty"
FIGURE_7 = {"mac_key": "2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx",
            "secret": "oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f",
            "mac": "LP6xMvjtypbfT9PdkJhBZ+D6O4w="}


def derivation(salt="Ej7/PEpyEpw=", count=1000, length=16, prf=""):
    return f"""<xenc11:DerivedKey xmlns:xenc11="http://www.w3.org/2009/xmlenc11#">
   <xenc11:KeyDerivationMethod Algorithm="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2">
    <p:PBKDF2-params xmlns:p="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#">
     <Salt><Specified>{salt}</Specified></Salt><IterationCount>{count}</IterationCount>
     <KeyLength>{length}</KeyLength><PRF{f' Algorithm="{prf}"' if prf else ""}/>
    </p:PBKDF2-params></xenc11:KeyDerivationMethod></xenc11:DerivedKey>"""


def sealed_container(host, *values, key='<KeyName xmlns="http://www.w3.org/2000/09/xmldsig#">Key</KeyName>',
                     cipher="aes128-cbc", mac="hmac-sha1"):
    method = f'<x:EncryptionMethod xmlns:x="{XENC}" Algorithm="{XENC}{cipher}"/>'

    def value(text):
        return (f'{method}<x:CipherData xmlns:x="{XENC}"><x:CipherValue>\n {text[:40]}\n {text[40:]}\n'
                f'</x:CipherValue></x:CipherData>')
    packages = [pskc_key(f"100{i}", user=f"user{i}.x", digits=8).replace(
        f"<PlainValue>{PLAIN}</PlainValue>", f"<EncryptedValue>{value(v['secret'])}</EncryptedValue>" +
        (f"<ValueMAC>{v['mac']}</ValueMAC>" if v["mac"] else "")) for i, v in enumerate(values)]
    mac_key = values[0].get("mac_key")
    return container(host, f'<EncryptionKey>{key}</EncryptionKey><MACMethod Algorithm="http://'
                     f'www.w3.org/2000/09/xmldsig#{mac}">' +
                     (f"<MACKey>{value(mac_key)}</MACKey>" if mac_key else "") + "</MACMethod>", *packages)


def openssl(cipher, key, data, iv):
    made = subprocess.run(["openssl", "enc", f"-{cipher}", "-K", key.hex(), "-iv", iv.hex()], input=data,
                          capture_output=True, check=True).stdout
    return base64.b64encode(iv + made).decode()


def seal(key, secret, cipher="aes-128-cbc", digest="sha1", mac_key=b"0123456789"):
    iv = hashlib.sha256(secret).digest()[:16]
    box = openssl(cipher, key, secret, iv)
    mac = hmac.new(mac_key or key, base64.b64decode(box), digest).digest()
    return {"secret": box, "mac": base64.b64encode(mac).decode(),
            "mac_key": mac_key and openssl(cipher, key, mac_key, bytes(16))}


def test_keys_under_a_key_agreed_on_before_are_imported(host):
    path = sealed_container(host, FIGURE_6)
    file = phrase_file(host, FIGURE_6_KEY + "\n")
    ran = host.run("import", "pskc", "--passphrase-file", file, path)
    assert (ran.returncode, ran.stdout) == (0, "1 user imported\n"), ran.stderr
    assert host.attempt("user0.x", hotp(0, digits=8)) == "allow code"


def test_keys_under_a_passphrase_are_imported(host):
    path = sealed_container(host, FIGURE_7, key=derivation())
    assert "1 user imported\n" in host.run("import", "pskc", "--passphrase-file", phrase_file(host, "qwerty\n"),
                                           path).stdout
    assert host.attempt("user0.x", hotp(0, digits=8)) == "allow code"


@pytest.mark.parametrize("bits, digest, mac_key", [
    (128, "sha1", b"0123456789"), (192, "sha256", b"m" * 32), (256, "sha512", b"m" * 64), (256, "sha256", None)])
def test_each_length_of_a_key_and_each_mac_is_understood(host, bits, digest, mac_key):
    salt, count = b"a salt of bytes", 2000
    key = hashlib.pbkdf2_hmac("sha256", b"pass phrase", salt, count, bits // 8)
    values = [seal(key, bytes.fromhex(seed), f"aes-{bits}-cbc", digest, mac_key) for seed in SEEDS[:3]]
    path = sealed_container(host, *values, cipher=f"aes{bits}-cbc", mac=f"hmac-{digest}", key=derivation(
        base64.b64encode(salt).decode(), count, bits // 8, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"))
    file = phrase_file(host, "pass phrase\n")
    assert host.done("import", "pskc", "--passphrase-file", file, path) == "3 users imported\n"
    assert host.attempt("user0.x", hotp(0, digits=8)) == "allow code"


def flip(text):
    data = bytearray(base64.b64decode(text))
    data[20] ^= 1
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("spoil, said", [
    (dict(secret=flip(FIGURE_6["secret"])), "another passphrase or key, or the file was changed: ValueMAC"),
    (dict(mac=base64.b64encode(bytes(20)).decode()), "ValueMAC: does not match"),
    (dict(mac_key=FIGURE_7["mac_key"]), "another passphrase or key, or the file was changed"),
    (dict(mac="AAAA"), "ValueMAC: expected 20 bytes in base64"),
    (dict(mac=""), "no ValueMAC: nothing shows that the secret is unchanged"),
    (dict(secret="=" * 48), "CipherValue: expected"),
])
def test_nothing_of_a_container_whose_mac_does_not_match_is_imported(host, spoil, said):
    """Also not with --keep-going: a good key before it may have been exchanged, too."""
    path = sealed_container(host, FIGURE_6, dict(FIGURE_6, **spoil))
    if "mac_key" in spoil:
        path = sealed_container(host, dict(FIGURE_6, **spoil))
    file = phrase_file(host, FIGURE_6_KEY + "\n")
    refused = host.refused("import", "pskc", "--passphrase-file", file, path)
    assert said in refused and FIGURE_6_KEY not in refused
    assert os.listdir(host.store / "users") == []
    if "does not match" in said or "another" in said:
        host.refused("import", "pskc", "--keep-going", "--passphrase-file", file, path)
        assert os.listdir(host.store / "users") == []


@pytest.mark.parametrize("change, phrase, said", [
    ({}, "12345678901234567890123456789013", "another passphrase or key, or the file was changed"),
    ({}, "1234", "the key: expected 32, 48 or 64 hexadecimal digits"),
    ({}, "x" * 32, "the key: expected 32, 48 or 64 hexadecimal digits"),
    ({}, FIGURE_6_KEY * 2, "the key has 32 bytes, expected 16"),
    ({"cipher": "tripledes-cbc"}, FIGURE_6_KEY, "EncryptionMethod: expected aes128-cbc"),
    ({"mac": "hmac-md5"}, FIGURE_6_KEY, "MACMethod: expected hmac-sha1"),
    ({"key": derivation(count=0)}, "qwerty", "IterationCount: expected a number from 1"),
    ({"key": derivation(count=4000000000)}, "qwerty", "IterationCount: expected a number from 1"),
    ({"key": derivation(length=33)}, "qwerty", "KeyLength: expected a number from 16 to 32"),
    ({"key": derivation(salt="")}, "qwerty", "Salt: expected"),
    ({"key": derivation().replace("#pbkdf2", "#scrypt")}, "qwerty", "KeyDerivationMethod: expected PBKDF2"),
    ({"key": derivation(prf="x#hmac-md5")}, "qwerty", "PRF: expected hmac-sha1"),
    ({"key": "<X509Data/>"}, "qwerty", "encrypted for a certificate"),
])
def test_a_container_that_does_not_open_is_rejected_with_a_sentence(host, change, phrase, said):
    path = sealed_container(host, FIGURE_6, **change)
    refused = host.refused("import", "pskc", "--passphrase-file", phrase_file(host, phrase + "\n"), path)
    assert f"totpctl: nothing is imported: {path}" in refused and said in refused
    assert phrase not in refused


def test_the_key_of_a_container_is_asked_at_the_terminal(host):
    path = sealed_container(host, FIGURE_6)
    code, shown = at_terminal(host, ("import", "pskc", path), (
        f"{path}: encrypted under a key: type it in hexadecimal.\r\nPassphrase: ", FIGURE_6_KEY + "\n"))
    assert code == 0 and "1 user imported" in shown
    assert FIGURE_6_KEY not in shown


def test_a_plain_container_asks_for_nothing(host):
    assert host.done("import", "pskc", container(host, pskc_key("1", user="a.x"))) == "1 user imported\n"


@pytest.mark.skipif(not shutil.which("pskctool"), reason="needs pskctool")
def test_pskctool_reads_the_containers_of_these_tests_as_totpctl_does(host):
    path = container(host, pskc_key("1001", "totp", user="alice.x", data="<TimeInterval><PlainValue>60"
                                    "</PlainValue></TimeInterval>"))
    shown = subprocess.run(["pskctool", "--info", path], capture_output=True, text=True, check=True).stdout
    assert f"Key Secret (base64): {PLAIN}" in shown and "Key TimeInterval: 60" in shown
    assert host.done("import", "pskc", path) == "1 user imported\n"
    assert tokens_of(host, "alice.x") == [("1001", "TOTP, SHA1, 6 digits, 60 seconds")]


# ---- PSKC of the drafts, and elements that mean nothing

def written(host, text):
    path = host.directory / "tokens.xml"
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("namespace", [PSKC, PSKC + ":1.0", "urn:ietf:params:xml:ns:keyprov:container:1.0"])
@pytest.mark.parametrize("key", [
    f"""<DeviceInfo><SerialNo>987654321</SerialNo><UserId>alice.x</UserId></DeviceInfo>
     <Key KeyId="1" KeyAlgorithm="urn:ietf:params:xml:ns:keyprov:pskc#hotp"><Issuer>I</Issuer>
      <Usage><ResponseFormat Length="8" Encoding="DECIMAL"/></Usage>
      <Data><Secret><PlainValue>{PLAIN}</PlainValue></Secret>
      <Counter><PlainValue>42</PlainValue></Counter></Data></Key>""",
    f"""<DeviceId><SerialNo>987654321</SerialNo></DeviceId>
     <Key KeyAlgorithm="HOTP" KeyId="1"><Usage><ResponseFormat format="DECIMAL" length="8"/></Usage>
      <Data Name="SECRET"><Value>{PLAIN}</Value></Data>
      <Data Name="COUNTER"><Value>AAAAAAAAACo=</Value></Data><UserId>alice.x</UserId></Key>""",
    f"""<DeviceId><SerialNo>987654321</SerialNo></DeviceId>
     <Key KeyAlgorithm="http://www.ietf.org/keyprov/pskc#hotp" KeyId="1"><UserId>alice.x</UserId>
      <Usage OTP="true"><ResponseFormat Format="DECIMAL" Length="8"/></Usage>
      <Data Name="SECRET"><PlainValue>{PLAIN}</PlainValue></Data>
      <Data Name="COUNTER"><PlainValue>AAAAKg==</PlainValue></Data></Key>"""])
def test_a_container_of_the_drafts_is_read(host, namespace, key):
    path = written(host, f'<KeyContainer Version="1.0" xmlns="{namespace}"><EncryptionMethod algorithm="NONE"/>'
                   f"<DigestMethod/><Device>{key}</Device></KeyContainer>")
    assert host.done("import", "pskc", path) == "1 user imported\n"
    assert tokens_of(host, "alice.x") == [("987654321", "HOTP, SHA1, 8 digits")]
    assert host.attempt("alice.x", hotp(41, digits=8)) == "deny used_code"
    assert host.attempt("alice.x", hotp(42, digits=8)) == "allow code"


def test_an_encryption_of_the_drafts_is_rejected(host):
    path = written(host, f'<KeyContainer xmlns="x"><EncryptionMethod algorithm="PBE-3DES112-CBC"/><Device>\n'
                   f'<Key KeyAlgorithm="HOTP"><UserId>a.x</UserId><Data Name="SECRET"><Value>{PLAIN}</Value>'
                   "</Data></Key></Device></KeyContainer>")
    assert f"{path}:2: encrypted in another way" in host.refused("import", "pskc", path)


@pytest.mark.parametrize("text, line, said", [
    ("", 0, "there is no KeyPackage in it"),
    ("<KeyPackage>\n</KeyPackage>", 1, "there is no Key in it"),
    ("\n<KeyPackge/>" + pskc_key("1", user="a.x"), 2, "an element KeyPackge, which is not known in KeyContainer"),
    ("\n<KeyPackage>\n<key/></KeyPackage>", 3, "an element key, which is not known in KeyPackage"),
])
def test_a_container_without_known_elements_imports_nothing_and_fails(host, text, line, said):
    path = written(host, f'<KeyContainer xmlns="{PSKC}">{text}</KeyContainer>')
    refused = host.refused("import", "pskc", path)
    assert f"{path}:{f'{line}:' if line else ''} {said}" in refused
    assert os.listdir(host.store / "users") == []


def test_an_unknown_element_of_a_key_is_reported_and_one_of_another_namespace_is_not(host):
    path = container(host, pskc_key("1", user="a.x", data="<Countr/>", more="<x:Logo xmlns:x='x'/>"
                                    "<Policy><KeyUsage>OTP</KeyUsage><NumberOfTransactions>9"
                                    "</NumberOfTransactions></Policy>"))
    ran = host.run("import", "pskc", path)
    assert (ran.returncode, ran.stdout) == (1, "1 user imported\n")
    assert ran.stderr.count("not imported: an element Countr, which is not known in Data") == 1
    assert "not imported: an element NumberOfTransactions, which is not known in Policy" in ran.stderr
    assert "Logo" not in ran.stderr


# ---- an export of Google Authenticator

def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def proto(*fields):
    """A protobuf: numbers and bytes, each with the number of its field."""
    return b"".join(varint(number << 3 | (2 if isinstance(value, bytes) else 0)) +
                    (varint(len(value)) + value if isinstance(value, bytes) else varint(value))
                    for number, value in fields)


def account(name, secret=SECRET, issuer="", algorithm=1, digits=1, kind=2, counter=None):
    fields = [(1, base64.b32decode(secret)), (2, name.encode()), (3, issuer.encode()), (4, algorithm),
              (5, digits), (6, kind)]
    return proto(*fields, *([(7, counter)] if counter is not None else []))


def migration(*accounts, parts=1, part=0, export=2 ** 64 - 77):
    payload = proto(*((1, one) for one in accounts), (2, 1), (3, parts), (4, part), (5, export))
    return "otpauth-migration://offline?data=" + urllib.parse.quote(base64.b64encode(payload), safe="") + "\n"


def test_an_export_of_google_authenticator_is_imported(host):
    text = (migration(account("Example:alice.x", issuer="Example"), account("bob.x", OF_HEX, kind=1, counter=7),
                      parts=2) +
            migration(account(f"{KNOWN}@tower", OTHER_SECRET, algorithm=2, digits=2), parts=2, part=1))
    assert host.done("import", "otpauth", "-", stdin=text) == "3 users imported\n"
    assert tokens_of(host, "alice.x") == [("Example", "TOTP, SHA1, 6 digits, 30 seconds")]
    assert tokens_of(host, KNOWN) == [("imported", "TOTP, SHA256, 8 digits, 30 seconds")]
    assert host.attempt("bob.x", hotp(6)) == "deny used_code"
    assert host.attempt("bob.x", hotp(7)) == "allow code"


def test_missing_parts_of_an_export_are_reported(host):
    ran = host.run("import", "otpauth", "-", stdin=migration(account("alice.x"), parts=3, part=1))
    assert (ran.returncode, ran.stdout) == (1, "1 user imported\n")
    for part in 1, 3:
        assert f"standard input:1: not imported: part {part} of 3 of the export" in ran.stderr


@pytest.mark.parametrize("line, said", [
    ("otpauth-migration://offline?data=", "expected an export of Google Authenticator"),
    ("otpauth-migration://offline", "expected an export of Google Authenticator"),
    ("otpauth-migration://offline?data=%zz", "expected an export of Google Authenticator"),
    (migration(account("a.x"))[:-9], "expected an export of Google Authenticator"),
    (migration(account("a.x", algorithm=4)), "account 1: an account that is neither TOTP nor HOTP"),
    (migration(account("")), "account 1: an account without a name or secret"),
    (migration(account("b.x"), account("a.x", "JBSWY3DP")), "secret: expected 10 to 128 bytes"),
])
def test_a_malformed_export_is_rejected_without_its_text(host, line, said):
    refused = host.refused("import", "otpauth", "-", stdin=line.rstrip() + "\n")
    assert f"standard input:1: {said}" in refused
    assert os.listdir(host.store / "users") == []
