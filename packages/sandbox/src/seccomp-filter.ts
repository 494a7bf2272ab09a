/** System calls that nothing in a preview needs and that have let programs out of sandboxes before. */
interface Machine {
  /** `AUDIT_ARCH_*` of linux/audit.h. */
  readonly audit: number;
  /** First number of a second ABI that shares the architecture (x32); null: there is none. */
  readonly foreignAbi: number | null;
  readonly clone: number;
  readonly refused: readonly number[];
}

/** Numbers that are the same everywhere: the mount calls of Linux 5.2 and later, `mount_setattr`, `quotactl_fd`. */
const REFUSED_EVERYWHERE = [428, 429, 430, 431, 432, 433, 442, 443];
/** `io_uring_*` and `clone3`: "not there", so that programs fall back to what can be looked at. */
const UNKNOWN_EVERYWHERE = [425, 426, 427, 435];

/** From arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of the Linux source. */
const MACHINES: Readonly<Record<string, Machine>> = {
  x64: {
    audit: 0xc000003e,
    foreignAbi: 0x40000000,
    clone: 56,
    refused: [
      ...[165, 166, 155, 161], // mount, umount2, pivot_root, chroot
      ...[272, 308], // unshare, setns
      ...[321, 298, 323], // bpf, perf_event_open, userfaultfd
      ...[246, 320, 169], // kexec_load, kexec_file_load, reboot
      ...[175, 313, 176], // init_module, finit_module, delete_module
      ...[248, 249, 250], // add_key, request_key, keyctl
      ...[304, 163, 167, 168, 179], // open_by_handle_at, acct, swapon, swapoff, quotactl
      ...[164, 227, 103, 153], // settimeofday, clock_settime, syslog, vhangup
      ...[172, 173, 154, 212], // iopl, ioperm, modify_ldt, lookup_dcookie
    ],
  },
  arm64: {
    audit: 0xc00000b7,
    foreignAbi: null,
    clone: 220,
    refused: [
      ...[40, 39, 41, 51], // mount, umount2, pivot_root, chroot
      ...[97, 268], // unshare, setns
      ...[280, 241, 282], // bpf, perf_event_open, userfaultfd
      ...[104, 294, 142], // kexec_load, kexec_file_load, reboot
      ...[105, 273, 106], // init_module, finit_module, delete_module
      ...[217, 218, 219], // add_key, request_key, keyctl
      ...[265, 89, 224, 225, 60], // open_by_handle_at, acct, swapon, swapoff, quotactl
      ...[170, 112, 116, 58, 18], // settimeofday, clock_settime, syslog, vhangup, lookup_dcookie
    ],
  },
};

const CLONE_NEWUSER = 0x10000000;
const EPERM = 1;
const ENOSYS = 38;

/** Opcodes of classic BPF, and answers of seccomp (linux/bpf_common.h, linux/seccomp.h). */
const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_BITS = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const FAIL = 0x00050000;

/** Offsets in `struct seccomp_data`. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;

type Exit = "next" | "allow" | "refuse" | "unknown" | "kill";
type Step =
  | { readonly code: typeof LOAD; readonly k: number }
  | { readonly code: number; readonly k: number; readonly yes: Exit; readonly no: Exit };

/**
 * A compiled filter for `bwrap --seccomp`, or null for a machine type that it is not known for. It refuses; it does not
 * list what is allowed, so that Node, bundlers and their native helpers run unchanged. Namespaces of users cannot be made
 * by `clone` either.
 */
export function seccompFilter(architecture: string): Buffer | null {
  const machine = MACHINES[architecture];
  if (machine === undefined) return null;
  const steps: Step[] = [
    { code: LOAD, k: ARCHITECTURE },
    { code: JUMP_EQUAL, k: machine.audit, yes: "next", no: "kill" },
    { code: LOAD, k: NUMBER },
  ];
  if (machine.foreignAbi !== null)
    steps.push({ code: JUMP_AT_LEAST, k: machine.foreignAbi, yes: "unknown", no: "next" });
  for (const k of [...machine.refused, ...REFUSED_EVERYWHERE])
    steps.push({ code: JUMP_EQUAL, k, yes: "refuse", no: "next" });
  for (const k of UNKNOWN_EVERYWHERE) steps.push({ code: JUMP_EQUAL, k, yes: "unknown", no: "next" });
  steps.push(
    { code: JUMP_EQUAL, k: machine.clone, yes: "next", no: "allow" },
    { code: LOAD, k: FIRST_ARGUMENT },
    { code: JUMP_BITS, k: CLONE_NEWUSER, yes: "refuse", no: "allow" },
  );
  return assemble(steps);
}

/** Eight bytes each: code, jump if true, jump if false (both relative, at most 255), operand. */
function assemble(steps: readonly Step[]): Buffer {
  const exits: readonly (readonly [Exit, number])[] = [
    ["allow", ALLOW],
    ["refuse", FAIL | EPERM],
    ["unknown", FAIL | ENOSYS],
    ["kill", KILL_PROCESS],
  ];
  const program = Buffer.alloc((steps.length + exits.length) * 8);
  const distance = (from: number, exit: Exit): number => {
    if (exit === "next") return 0;
    const jump = steps.length + exits.findIndex(([name]) => name === exit) - from - 1;
    if (jump > 255) throw new RangeError("filter too long for its jumps");
    return jump;
  };
  for (const [at, step] of steps.entries()) {
    program.writeUInt16LE(step.code, at * 8);
    if ("yes" in step) {
      program.writeUInt8(distance(at, step.yes), at * 8 + 2);
      program.writeUInt8(distance(at, step.no), at * 8 + 3);
    }
    program.writeUInt32LE(step.k, at * 8 + 4);
  }
  for (const [index, [, answer]] of exits.entries()) {
    program.writeUInt16LE(RETURN, (steps.length + index) * 8);
    program.writeUInt32LE(answer >>> 0, (steps.length + index) * 8 + 4);
  }
  return program;
}
