/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * callback.bpf.c - does this kernel find the function that is passed to a helper? It is loaded, never run.
 *
 * The verifier of 5.15.0 notes the number of the callback when it meets the reference, and gives functions new numbers when it
 * finds further ones before it (cured in 5.16 by "bpf: Stop caching subprog index in the bpf_pseudo_func insn", and in later 5.15).
 * Then it takes another function for the callback. Here that is one it has to refuse: global_one is not static. libbpf
 * lays the functions out in the order in which they are met: the program, first, global_one, callback; the kernel meets global_one last.
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} one SEC(".maps");

__noinline int global_one(u32 number)
{
	return number + 1;
}

static __noinline int first(u32 number)
{
	return global_one(number) + 1;
}

static long callback(void *map, u32 *key, u32 *value, void *unused)
{
	*value = *key;
	return 0;
}

SEC("syscall")
int probe_callback(void *ctx)
{
	int number = first(bpf_get_smp_processor_id());

	bpf_for_each_map_elem(&one, callback, NULL, 0);
	return number;
}
