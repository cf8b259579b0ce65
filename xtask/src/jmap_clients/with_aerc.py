"""aerc (Debian) against a relay, in a terminal of its own: lists, imports, reads, changes, moves, follows push.

It cannot send: it calls the sender of an envelope `mailfrom`, where RFC 8621 7 has `mailFrom`.

Usage: with_aerc.py PROGRAM SESSION_URL USERNAME PASSWORD MESSAGE RECIPIENT
What it shows is read off its screen, and what it did is asked of the relay.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse
import urllib.request

program, session_url, username, password, message, recipient = sys.argv[1:]
letter = pathlib.Path(message).read_bytes()
home = pathlib.Path(message).with_suffix(".aerc")
(home / "aerc").mkdir(parents=True, mode=0o700)
quoted = f"{urllib.parse.quote(username, safe='')}:{urllib.parse.quote(password, safe='')}"
accounts = home / "aerc/accounts.conf"
accounts.touch(mode=0o600)
accounts.write_text(f"""
[relay]
source = {session_url.replace("https://", f"jmap://{quoted}@")}
outgoing = jmap://
default = Inbox
from = {username}
""")
share = pathlib.Path(program).parents[1] / "share/aerc"
(home / "aerc/aerc.conf").write_text(f"""
[ui]
index-columns = name<40,subject<*
stylesets-dirs = {share}/stylesets
[viewer]
pager = sh -c 'cat; exec sleep 100'
[filters]
text/plain = cat
[templates]
template-dirs = {share}/templates
""")
(home / "aerc/binds.conf").touch()
environment = {**os.environ, **{f"XDG_{kind}_HOME": str(home) for kind in ("CONFIG", "CACHE", "DATA", "STATE")}}
environment |= {"XDG_RUNTIME_DIR": str(home), "TERM": "screen"}


def tmux(*arguments):
    command = ["tmux", "-S", home / "tmux", "-f", "/dev/null", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=30).stdout


def screen():
    return tmux("capture-pane", "-p")


def aerc(*command):
    done = subprocess.run([program, f":{command[0]}", *command[1:]], env=environment, capture_output=True, timeout=30)
    assert done.returncode == 0, (command, done.stdout, done.stderr)


def until(what, holds):
    for _ in range(200):
        found = holds()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}:\n{screen()}")


def get(url, body=None):
    authorization = base64.b64encode(f"{username}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {authorization}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
        return json.load(answer)


session = get(session_url)
account = session["primaryAccounts"]["urn:ietf:params:jmap:mail"]


def relay(method, **arguments):
    using = [f"urn:ietf:params:jmap:{name}" for name in ("core", "mail", "submission")]
    request = {"using": using, "methodCalls": [[method, {"accountId": account, **arguments}, "c"]]}
    [[name, answer, _]] = get(session["apiUrl"], json.dumps(request).encode())["methodResponses"]
    assert name == method, answer
    return answer


def mailbox(**filter):
    return relay("Mailbox/query", filter=filter)["ids"]


def emails(box):
    return relay("Email/query", filter={"inMailbox": box})["ids"]


def told(email):
    return relay("Email/get", ids=[email], properties=["keywords", "mailboxIds"])["list"][0]


# The sender's name, behind the list of mailboxes.
listed = "│" + username.split("@")[0]
tmux("new-session", "-d", "-x", "120", "-y", "40", program)
try:
    # Lists.
    until("it lists no mailboxes", lambda: all(name in screen() for name in ("Inbox", "Archive", "Drafts", "Sent")))
    [own], [junk] = mailbox(role="archive"), mailbox(role="junk")
    aerc("cf", "Archive")
    until("it does not open the mailbox", lambda: "(no messages)" in screen())

    # Imports.
    (home / "letter.mbox").write_bytes(b"From - Thu Jan  1 00:00:00 2026\n" + letter + b"\n")
    aerc("import-mbox", str(home / "letter.mbox"))
    [email] = until("it imported nothing", lambda: emails(own))
    # A list that was empty is drawn when it is opened again.
    aerc("cf", "Inbox")
    aerc("cf", "Archive")
    until("it does not list what it imported", lambda: screen().count(listed) == 1)

    # Follows push: what comes some other way appears by itself.
    url = session["uploadUrl"].replace("{accountId}", account)
    blob = get(url, letter.replace(b"Message-ID: <", b"Message-ID: <pushed-"))["blobId"]
    relay("Email/import", emails={"k": {"blobId": blob, "mailboxIds": {own: True}}})
    until("it heard of nothing", lambda: screen().count(listed) == 2)

    # Reads.
    aerc("select-message", "1")
    aerc("view")
    shown = "Hello." if b"\r\n\r\nHello." in letter else "pkcs7-mime"
    until("it shows no letter", lambda: shown in screen())
    aerc("pipe", "-b", "-m", "tee", f"{home}/read.eml")
    read = until("it reads nothing", lambda: (home / "read.eml").exists() and (home / "read.eml").read_bytes())
    assert b"@suite.example>" in read and read.split()[-9:] == letter.split()[-9:], read
    aerc("close")

    # Changes keywords, and moves.
    aerc("flag")
    [flagged] = until("it flagged nothing", lambda: [one for one in emails(own) if "$flagged" in told(one)["keywords"]])
    aerc("unread")
    until("it is still read", lambda: "$seen" not in told(flagged)["keywords"])
    aerc("read")
    until("it is not read", lambda: "$seen" in told(flagged)["keywords"])
    aerc("move", "Junk")
    until("it moved nothing", lambda: list(told(flagged)["mailboxIds"]) == [junk])
finally:
    tmux("kill-server")
print("aerc: listed, imported, read, changed, moved, followed push; what it sends names no sender (mailfrom)")
