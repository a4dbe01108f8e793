"""
Tries what a project's container must not be able to do, and what it must. Runs inside of one, as its user, with nothing
but Python's library. Reads `[[name, function, arguments…], …]` from its first argument and writes `{name: outcome}`:
`ok`, or in one word why not (an errno's name, `silence`, `refused`).
"""
import concurrent.futures, ctypes, errno, fcntl, glob, json, os, resource, signal, socket, struct, subprocess, sys, time

WAIT = 1.0
libc = ctypes.CDLL(None, use_errno=True)
# x86_64 and aarch64.
ARM = os.uname().machine == "aarch64"
SYSCALLS = {
    "getpid": (39, 172), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "unshare": (272, 97),
    "setns": (308, 268), "ptrace": (101, 117), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "kexec_load": (246, 104),
    "init_module": (175, 105), "reboot": (169, 142), "swapon": (167, 224), "settimeofday": (164, 170),
    "open_by_handle_at": (304, 265), "acct": (163, 89), "sethostname": (170, 161), "quotactl": (179, 60),
    "iopl": (172, None), "process_vm_readv": (310, 270), "fsopen": (430, 430), "move_mount": (429, 429),
}
NEWNS, NEWUSER, NEWNET = 0x00020000, 0x10000000, 0x40000000


def word(error):
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "silence"
    return errno.errorcode.get(getattr(error, "errno", None) or 0, type(error).__name__)


def attempt(work):
    try:
        return work() or "ok"
    except Exception as error:
        return word(error)


def syscall(name, *args):
    number = SYSCALLS[name][1 if ARM else 0]
    if number is None:
        return "ENOSYS"
    ctypes.set_errno(0)
    given = [ctypes.c_char_p(a.encode()) if isinstance(a, str) else ctypes.c_long(a) for a in args]
    if libc.syscall(ctypes.c_long(number), *given) >= 0:
        return "ok"
    return errno.errorcode.get(ctypes.get_errno(), "failed")


def tcp(address, port):
    with socket.create_connection((address, port), WAIT):
        return "ok"


def udp(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        each.settimeout(WAIT)
        each.sendto(b"hello", (address, port))
        each.recvfrom(100)


def icmp(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as each:
        each.settimeout(WAIT)
        each.sendto(struct.pack("!BBHHH", 8, 0, 0, 1, 1) + b"slipway!", (address, 0))
        each.recvfrom(100)


def send(address, count):
    """Sends so many TCP openings and datagrams; whether any got anywhere is counted elsewhere."""
    for _ in range(count):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
            try:
                each.sendto(b"hello", (address, 9))
            except OSError:
                pass
        opening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        opening.setblocking(False)
        opening.connect_ex((address, 9))
        opening.close()


def resolve(name):
    socket.getaddrinfo(name, 80, socket.AF_INET)


def outside_dns(name):
    """Docker's own server, asked for a name of the outside: `ok` where it got an answer from there, even "no such name"."""
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        each.settimeout(WAIT)
        each.sendto(struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + question + struct.pack("!2H", 1, 1), ("127.0.0.11", 53))
        code = each.recvfrom(512)[0][3] & 15
    return "ok" if code in (0, 3) else "refused"


def read(path):
    with open(path, "rb") as file:
        return "ok" if file.read(1) else "empty"


def write(path, text="x"):
    with open(path, "w") as file:
        file.write(text)


def access(path):
    os.stat(path)


def connect_unix(path):
    with socket.socket(socket.AF_UNIX) as each:
        each.connect(path)


def raw(family, kind, protocol):
    socket.socket(getattr(socket, family), getattr(socket, kind), protocol).close()


def option(level, name):
    """Whether a socket may send as somebody else, or past the rules."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        each.setsockopt(level, name, 1)


def bind(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        each.bind((address, 0))


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        each.bind((socket.gethostbyname(socket.gethostname()), 0))


def set_address(address):
    """Gives the network interface another address, as an impostor would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        request = struct.pack("16sH2s4s8s", b"eth0", socket.AF_INET, b"", socket.inet_aton(address), b"")
        fcntl.ioctl(each, 0x8916, request)


def ipv6():
    """Addresses beyond the loopback's."""
    try:
        with open("/proc/net/if_inet6") as file:
            return "ok" if any(not line.strip().endswith(" lo") for line in file) else "none"
    except FileNotFoundError:
        return "none"


def run(*command):
    result = subprocess.run(command, capture_output=True, timeout=20)
    return "ok" if result.returncode == 0 else f"exit {result.returncode}"


def run_from(folder):
    path = os.path.join(folder, "probe-program")
    try:
        write(path, "#!/bin/sh\nexit 0\n")
        os.chmod(path, 0o755)
        return run(path)
    finally:
        os.path.exists(path) and os.unlink(path)


def setuid_programs():
    """Programs of the image that run as somebody else."""
    found = [
        os.path.join(folder, name)
        for folder, folders, names in os.walk("/", onerror=lambda _: None)
        if folders.__setitem__(slice(None), [d for d in folders if os.path.join(folder, d) not in ("/proc", "/sys")]) is None
        for name in names
        if os.path.isfile(os.path.join(folder, name)) and os.stat(os.path.join(folder, name)).st_mode & 0o6000
    ]
    return "ok" if found else "none"


def setuid_copy():
    """A program of one's own with the setuid bit, in a place where programs may run: who does it run as?"""
    path = "/workspace/busybox"
    try:
        with open("/bin/busybox" if os.path.exists("/bin/busybox") else "/usr/local/bin/busybox", "rb") as source:
            with open(path, "wb") as copy:
                copy.write(source.read())
        os.chmod(path, 0o6755)
        uid = subprocess.run([path, "id", "-u"], capture_output=True, text=True).stdout.strip()
        return "ok" if uid == "0" else f"uid {uid}"
    finally:
        os.path.exists(path) and os.unlink(path)


def become(uid):
    child = os.fork()
    if child == 0:
        try:
            os.setuid(uid)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "ok" if status == 0 else errno.errorcode.get(status, "failed")


def status(field, pid="self"):
    with open(f"/proc/{pid}/status") as file:
        return next(line.split(":")[1].strip() for line in file if line.startswith(field + ":"))


def capabilities(pid="self"):
    sets = [status(name, pid) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    return "none" if all(int(each, 16) == 0 for each in sets) else " ".join(sets)


def identity(pid="self"):
    return f"{status('Uid', pid).split()[1]}:{status('Gid', pid).split()[1]}"


def processes():
    """Programs that can be seen here; each container has a handful."""
    return "few" if sum(name.isdigit() for name in os.listdir("/proc")) < 40 else "many"


def device_files():
    usual = set("console core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero".split())
    return "none" if not set(os.listdir("/dev")) - usual else "ok"


def mknod():
    os.mknod("/workspace/probe-disk", 0o600 | 0o060000, os.makedev(8, 0))


def host_mounts():
    """What is mounted from the host besides what Docker itself puts into every container."""
    usual = {"/workspace", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/sbin/docker-init", "/usr/sbin/docker-init", "/dev/init"}
    with open("/proc/self/mountinfo") as file:
        lines = [line.split() for line in file]
    inside = ("proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "overlay", "shm")
    strange = [each[4] for each in lines if each[each.index("-") + 1] not in inside and each[4] not in usual]
    return "none" if not strange else " ".join(strange)


def fill(folder, most):
    """Writes until it is refused, at most so many bytes, and takes it away again."""
    path = os.path.join(folder, "probe-fill")
    try:
        with open(path, "wb") as file:
            for _ in range(most // 2**20):
                file.write(b"\1" * 2**20)
                file.flush()
            os.fsync(file.fileno())
    finally:
        os.path.exists(path) and os.unlink(path)


def eat(most):
    """A child asks for so much memory and uses it: how does it end?"""
    child = os.fork()
    if child == 0:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
        held = []
        for _ in range(most // 2**20):
            held.append(bytearray(os.urandom(2**10)) * 2**10)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "ok" if code == 0 else f"signal {-code}"


def forks(most):
    """Children that stay, until the kernel gives no more of them."""
    children, refused = [], None
    try:
        while len(children) < most:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError as error:
        refused = word(error)
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    return refused or "ok"


def nofile(wanted):
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))


def signal_to(pid):
    os.kill(pid, 0)


def trace(pid):
    return syscall("ptrace", 16, pid, 0, 0)


def trace_child():
    """The control: one's own child may be traced."""
    child = os.fork()
    if child == 0:
        time.sleep(10)
        os._exit(0)
    try:
        return syscall("ptrace", 16, child, 0, 0)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def answer(port):
    """Answers on TCP and UDP for others to try, until the container goes."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        server = socket.socket(socket.AF_INET, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", port))
        if os.fork() == 0:
            nowhere = os.open("/dev/null", os.O_RDWR)
            for each in (0, 1, 2):
                os.dup2(nowhere, each)
            if kind == socket.SOCK_STREAM:
                server.listen(64)
            while True:
                if kind == socket.SOCK_STREAM:
                    server.accept()[0].close()
                else:
                    server.sendto(b"hello", server.recvfrom(100)[1])
        server.close()


if __name__ == "__main__":
    calls = json.loads(sys.argv[1])
    outcome = lambda call: attempt(lambda: globals()[call[1]](*call[2:]))
    # What only waits may wait together.
    with concurrent.futures.ThreadPoolExecutor(32 if sys.argv[2] == "together" else 1) as pool:
        print(json.dumps(dict(zip((call[0] for call in calls), pool.map(outcome, calls)))))
