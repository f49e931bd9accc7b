"""A stand-in for a training: talks, starts helpers of its own, and ends in the way it is told to.

``fake_training.py RECIPE --data D --out RUN [--set ...]``; the recipe is the behaviour.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

recipe = sys.argv[1]
out = Path(sys.argv[sys.argv.index("--out") + 1])
if "--probe" in sys.argv:
    sys.stdout.write("Downloading something: 40%\n")
    if recipe == "crash":
        sys.exit("RuntimeError: no luck")
    if recipe == "deaf":
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(os.environ["TMPDIR"], "left").write_text(str(helper.pid))
        time.sleep(600)
    if recipe == "short":
        told = {"text": "about 40 minutes and 3.1 GB on CPU", "details": "7 images/s", "advice": ""}
        sys.stdout.write(json.dumps({"event": "estimate", **told}) + "\n")
    else:
        sys.stdout.write('{"event": "error", "message": "batches are <too> large"}\n')
    sys.exit(0 if recipe == "short" else 2)
first = 20 if "--resume" in sys.argv else 0
asked = threading.Event()


def say(kind, **facts):
    sys.stdout.write(json.dumps({"event": kind, **facts}) + "\n")
    sys.stdout.flush()
    name = "metrics.jsonl" if kind in ("step", "validation") else "log.txt"
    with (out / name).open("a") as file:
        file.write(json.dumps({"event": kind, **facts}) + "\n")


def listen():
    for line in sys.stdin:
        if line.strip() == "stop":
            asked.set()


(out / "config.json").write_text(json.dumps({"name": recipe}))
threading.Thread(target=listen, daemon=True).start()
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
(out / "helper.pid").write_text(str(helper.pid))
sys.stdout.write("Downloading something: 40%\n")
say("start", recipe=recipe, step=first, n_steps=40, pid=os.getpid())
if recipe == "crash":
    sys.stderr.write('Traceback (most recent call last):\n  File "x.py"\nRuntimeError: no luck\n')
    sys.exit(1)
for step in range(first + 1, 41 if recipe == "short" else 100_000):
    say("step", step=step, n_steps=40, loss=1 / step, ssl=0.1, lr=1e-3, images_per_s=50.0,
        left_s=(40 - step) * 0.02)  # fmt: skip
    if step % 10 == 0:
        say("validation", step=step, knn_top1=step / 50, chance_top1=0.1, is_best=True)
    time.sleep(0.01)
    if asked.is_set() and recipe != "deaf":
        say("stopping", step=step, n_steps=40)
        break
sys.stdout.write('{"event": "checkpoint", "st')  # torn, and begun again
sys.stdout.flush()
time.sleep(0.05)
sys.stdout.write("\n")
student = out / "student"
student.mkdir(exist_ok=True)
(student / "model.safetensors").write_bytes(b"")
(student / "README.md").write_text("---\nlicense: other\n---\n# fake\n\nA student.\n")
say("student", path=str(student), knn_top1=0.8)
say("done", step=step, is_complete=not asked.is_set())
helper.kill() if recipe != "careless" else None
