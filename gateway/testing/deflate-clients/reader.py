"""What the clients in Python share: the digest, and what they do every STEP events."""
import hashlib, json, re, sys

CURSOR = re.compile(r'"cursor":"([^"]+)"')

class Reader:
    def __init__(self):
        self.url, self.step = sys.argv[1], int(sys.argv[2])
        self.digest, self.count, self.first = hashlib.sha256(), 0, None
        self.is_done = False
        # Set when the connection is to be closed, and the next one opened at this URL.
        self.next_url = self.url

    def read(self, text):
        """None, or the frame to send before a slow spell ('' for none), or 'resume'."""
        if not text.startswith('{"Event-Name"'):
            return None
        tail = text.rfind(',"_firehose":')
        self.digest.update((text if tail < 0 else text[:tail] + "}").encode() + b"\n")
        self.count += 1
        self.first = json.loads(text)["n"] if self.first is None else self.first
        self.is_done = '"last":true' in text
        if self.is_done or self.count % self.step > 0:
            return None
        turn, found = self.count // self.step, CURSOR.search(text)
        if found is None:
            return ""
        if turn % 4 == 3:
            self.next_url = f"{self.url}&cursor={found[1]}"
            return "resume"
        accounts = None if turn % 2 == 0 else ["account_id_1"]
        return json.dumps({"filter": {"accounts": accounts, "events": None}})

    def report(self):
        print(self.first, self.count, self.digest.hexdigest())
