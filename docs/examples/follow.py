"""Follow one group: CENCOMM_TOKEN=cen_… python follow.py https://HOST GROUP-ID position.json (needs `websockets`).
Your work goes where events are printed: do it and note the position in one transaction if none may come twice."""

import asyncio, json, os, random, sys, time
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

URL, GROUP, FILE = sys.argv[1].replace("http", "ws", 1).rstrip("/") + "/ws/v1", sys.argv[2], sys.argv[3]
HEADERS = {"Authorization": f"Bearer {os.environ['CENCOMM_TOKEN']}"}


def note(position):  # never half a position, also not after a power cut
    with open(f"{FILE}.new", "w") as file:
        print(json.dumps(position), file=file, flush=True)
        os.fsync(file.fileno())
    os.replace(f"{FILE}.new", FILE)


async def follow(socket, position):
    silence, after, asked, behind = 60, position.get("after"), False, True
    while True:
        if behind and not asked:
            await socket.send(json.dumps({"op": "follow", "groups": {GROUP: position}}))
        asked, behind = asked or behind, False
        for item in json.loads(await asyncio.wait_for(socket.recv(), silence)):
            op, newest = item["op"], item.get("seq") or item.get("heads", {}).get(GROUP, 0)
            if op == "hello":
                silence = 2.5 * item["heartbeat"]  # heads come every heartbeat: who is silent for longer is gone
            elif op == "event" and after in (None, newest - 1):
                print(json.dumps(item), flush=True)  # your work
                after = newest
            elif op in ("event", "heads"):  # a gap, or news that did not come; what is known already is passed over
                behind = behind or newest > (after or newest)
            elif op == "caught_up":
                position, after, asked = {"epoch": item["epoch"]}, max(item["head"], after or 0), False
            elif op == "restart":  # history was restored from a backup: drop what you hold, start afresh
                position, after, asked, behind = {}, None, False, True
            elif op in ("left", "refused"):  # the membership has ended; or the server cannot, now or at all
                raise (OSError if item.get("problem", {}).get("status", 404) >= 429 else SystemExit)(item)
            if op in ("event", "caught_up") and position:
                note(position := {"epoch": position["epoch"], "after": after})


async def main():
    attempt = 0
    while True:
        began, code = time.monotonic(), 0
        try:
            async with connect(URL, additional_headers=HEADERS, subprotocols=["cencomm.v1"]) as socket:
                await follow(socket, json.load(open(FILE)) if os.path.exists(FILE) else {})
        except (OSError, InvalidHandshake, ConnectionClosed) as end:
            code = end.rcvd.code if getattr(end, "rcvd", None) else 0
        if code in (4401, 4403, 4404):
            sys.exit(f"closed with {code}: the token has ended, or this is not the address")
        attempt = 0 if time.monotonic() - began > 60 else min(attempt + 1, 6)
        await asyncio.sleep(random.uniform(0, 2**attempt) + (30 if code == 4429 else 0))


asyncio.run(main())
