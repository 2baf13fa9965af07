"""What a hostile child would try, each as the source of a program. `at` holds the addresses of its victims.

Executed as `python -I -c PREAMBLE + SOURCE ADDRESSES`. An attack does its worst and prints what it got; whether it
succeeded is told by what happened to the victim. That it was tried at all is told by a file.
"""

PREAMBLE = """
import json, os, signal, socket, sys
at = json.loads(sys.argv[1])
at["supervisor"] = os.getppid()
open("out/attacking", "w").close()
"""

READ_DATABASE = "print(open(at['database']).read())"
WRITE_DATABASE = "open(at['database'], 'a').write('owned')"
EMPTY_DATABASE = "os.truncate(at['database'], 0)"
LOCK_OUT = "os.chmod(at['database'], 0)"
THROUGH_A_LINK = "os.symlink(at['database'], 'out/link'); print(open('out/link').read())"
THROUGH_A_HARD_LINK = "os.link(at['database'], 'out/link'); print(open('out/link').read())"
READ_OTHER_JOB = "print(open(at['other_folder'] + '/recipe.json').read())"
WRITE_OTHER_JOB = "open(at['other_folder'] + '/out/report.json', 'w').write('owned')"
READ_ENVIRONMENT = "print(open(f\"/proc/{at['supervisor']}/environ\").read())"

REDIS = """
s = socket.socket(socket.AF_UNIX); s.connect(at['redis'])
s.sendall(f"AUTH {at['password']}\\r\\nSET owned yes\\r\\n".encode())
while b"OK\\r\\n+OK" not in s.recv(100): pass
"""
TCP = "s = socket.create_connection(tuple(at['tcp'])); s.sendall(b'owned'); s.close()"
TCP_LISTEN = "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); open('out/port', 'w').write('owned')"
UDP = "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'owned', tuple(at['udp']))"
UNIX = "s = socket.socket(socket.AF_UNIX); s.connect(at['unix']); s.sendall(b'owned')"
ABSTRACT = "s = socket.socket(socket.AF_UNIX); s.connect('\\0' + at['abstract']); s.sendall(b'owned')"

KILL_SUPERVISOR = "os.kill(at['supervisor'], signal.SIGKILL)"
KILL_REDIS = "os.kill(at['redis_pid'], signal.SIGKILL)"
KILL_OTHER_JOB = "os.kill(at['other_pid'], signal.SIGKILL)"
KILL_THREAD_OF_OTHER_JOB = """
import ctypes
ctypes.CDLL(None).syscall({"x86_64": 200, "aarch64": 130}[os.uname().machine], at['other_pid'], int(signal.SIGKILL))
"""
STARVE_OTHER_JOB = """
import resource
resource.prlimit(at['other_pid'], resource.RLIMIT_NOFILE, (3, 3))
"""
OUTLIVE = """
if os.fork() == 0:
    os.setsid()
    open('out/survivor', 'w').write(str(os.getpid()))
    import time; time.sleep(60)
while not os.path.exists('out/survivor') or not open('out/survivor').read(): pass
"""
SHELL = "os.execv('/bin/sh', ['sh', '-c', 'echo owned > out/shell'])"
