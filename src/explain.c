/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "explain.h"
#include "sys.h"
#include "token.h"

/* capabilities(7) */
enum { CAPABILITY_NET_ADMIN = 12, CAPABILITY_SYS_ADMIN = 21, CAPABILITY_PERFMON = 38, CAPABILITY_BPF = 39 };

bool parse_version(const char *text, unsigned int version[3])
{
	char *end = (char *)text;

	memset(version, 0, 3 * sizeof(*version));
	for (int i = 0; i < 3 && *text >= '0' && *text <= '9'; i++) {
		version[i] = (unsigned int)strtoul(text, &end, 10);
		text = *end == '.' ? end + 1 : end;
	}
	return version[0] != 0;
}

bool kernel_older_than(unsigned int major, unsigned int minor)
{
	unsigned int has[3];
	struct utsname name;

	if (uname(&name) || !parse_version(name.release, has))
		return false;
	return has[0] < major || (has[0] == major && has[1] < minor);
}

bool explain_missing(char *text, size_t size, const struct feature *feature)
{
	struct utsname name;

	if (!kernel_older_than(feature->major, feature->minor) || uname(&name))
		return false;
	snprintf(text, size, "this kernel (%s) lacks %s; it needs Linux %u.%u", name.release,
		 feature->name, feature->major, feature->minor);
	return true;
}

/* The number after "field:" in what read_status() reads; 0 if it isn't there. */
static unsigned long long status_field(const char *status, const char *field, int base)
{
	const char *at = strstr(status, field);

	return at ? strtoull(at + strlen(field), NULL, base) : 0;
}

static bool has_capability(unsigned long long set, int capability)
{
	return set >> capability & 1;
}

/* "inside outside count": the initial namespace has all ids, each as it is. */
static bool user_namespace_is_initial(void)
{
	char map[128], *outside, *count;

	if (sys_read_file("/proc/self/uid_map", map, sizeof(map)))
		return true;
	return !strtoull(map, &outside, 10) && !strtoull(outside, &count, 10) &&
	       strtoull(count, NULL, 10) == UINT32_MAX;
}

static const char *missing_capability(unsigned long long set)
{
	if (has_capability(set, CAPABILITY_SYS_ADMIN))
		return NULL;
	if (!has_capability(set, CAPABILITY_BPF))
		return "CAP_BPF";
	if (!has_capability(set, CAPABILITY_PERFMON))
		return "CAP_PERFMON";
	if (!has_capability(set, CAPABILITY_NET_ADMIN))
		return "CAP_NET_ADMIN (for network programs)";
	return NULL;
}

/* Of the calling thread: capabilities and filters are a thread's own. */
static void read_status(char *status, size_t size)
{
	if (sys_read_file("/proc/thread-self/status", status, size))
		status[0] = '\0';
}

/* All where there is no /proc to ask: nothing is said of what is not known. */
static unsigned long long capabilities(const char *status)
{
	return status[0] ? status_field(status, "CapEff:", 16) : ~0ULL;
}

const char *explain_perfmon(void)
{
	char status[4096];
	unsigned long long set;

	read_status(status, sizeof(status));
	set = capabilities(status);
	if (has_capability(set, CAPABILITY_SYS_ADMIN) || has_capability(set, CAPABILITY_PERFMON))
		return "";
	return "\n  the process lacks CAP_PERFMON, without which programs may do less: give it that as well";
}

/* "none [integrity] confidentiality": what it says, if not none. */
static bool read_lockdown(char *text, size_t size)
{
	if (sys_read_file("/sys/kernel/security/lockdown", text, size) || strstr(text, "[none]"))
		return false;
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/* "program of this type cannot use helper bpf_probe_read#4", "unknown func bpf_probe_read#4": no others are taken. */
void explain_helper(const char *reason, char *text, size_t size)
{
	char lockdown[128];

	text[0] = '\0';
	if ((strstr(reason, "helper bpf_probe_") || strstr(reason, "func bpf_probe_")) &&
	    read_lockdown(lockdown, sizeof(lockdown)))
		snprintf(text, size, "\n  the kernel is locked down, which takes helpers that read or write memory "
				     "away (/sys/kernel/security/lockdown: %s)", lockdown);
}

/* In a user namespace, where tokens decide. */
static void explain_namespace(char *text, size_t size)
{
	int token = token_open();

	if (token >= 0)
		snprintf(text, size,
			 "the process is in a user namespace, and the token of the BPF file system at %s does "
			 "not allow it: see its delegate_cmds, _maps, _progs and _attachs", token_place());
	else
		snprintf(text, size,
			 "the process is in a user namespace, whose capabilities do not reach bpf(2): run it in "
			 "the initial one, or mount a BPF file system for it that delegates (Linux 6.9; "
			 "mem_token_path_set())");
	sys_close(&token);
}

/* What of the process itself forbids it; false if nothing does. */
static bool explain_process(char *text, size_t size)
{
	char status[4096], sysctl[16] = "?";
	const char *missing;

	read_status(status, sizeof(status));
	if (!user_namespace_is_initial()) {
		explain_namespace(text, size);
		return true;
	}
	missing = missing_capability(capabilities(status));
	if (missing) {
		sys_read_file("/proc/sys/kernel/unprivileged_bpf_disabled", sysctl, sizeof(sysctl));
		sysctl[strcspn(sysctl, "\n")] = '\0';
		snprintf(text, size,
			 "the process lacks %s: run it as root or give it CAP_BPF and CAP_PERFMON%s "
			 "(kernel.unprivileged_bpf_disabled is %s)",
			 missing, strstr(missing, "NET") ? " as well as that" : "", sysctl);
		return true;
	}
	if (!status_field(status, "Seccomp:", 10))
		return false;
	snprintf(text, size, "the process is privileged but under a seccomp filter, as in a container: allow "
			     "bpf(2) and perf_event_open(2) there");
	return true;
}

void explain_eperm(char *text, size_t size)
{
	char lockdown[128];

	if (explain_process(text, size))
		return;
	if (read_lockdown(lockdown, sizeof(lockdown)))
		snprintf(text, size,
			 "the process is privileged, so the kernel's lockdown or a security module forbids "
			 "it (/sys/kernel/security/lockdown: %s)", lockdown);
	else
		snprintf(text, size, "the process is privileged, so a security module or the kernel's own "
				     "configuration forbids it");
}

bool explain_refusal(int err, char *text, size_t size)
{
	char status[4096];

	if (err == EPERM)
		explain_eperm(text, size);
	if (err != ENOSYS)
		return err == EPERM || (err == EACCES && explain_process(text, size));
	read_status(status, sizeof(status));
	snprintf(text, size, status_field(status, "Seccomp:", 10)
				     ? "a seccomp filter, as in a container, hides the system call from the process: "
				       "allow bpf(2) and perf_event_open(2) there"
				     : "this kernel is built without the system call (CONFIG_BPF_SYSCALL, "
				       "CONFIG_PERF_EVENTS)");
	return true;
}
