/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flood.c - a loopback flood whose CPU time goes into the network's receive softirq.
 *
 *	flood [-c CPU] [-s SECONDS]
 *
 * Sends datagrams to a multicast group that many sockets on the loopback device have joined. The kernel hands every
 * datagram to all of them in the NET_RX softirq, right behind the send on the same CPU, and every socket first runs a long
 * filter, which then refuses it. Prints {"softirq_percent"}: what share of the sender's time that is, from the time of a
 * send without and with the receivers.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "workload.h"

#define RECEIVERS     64
#define FILTER_LENGTH 2000
#define GROUP	      "239.77.77.77"
#define PROBES	      200

static struct sockaddr_in group_address(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(37777) };

	inet_pton(AF_INET, GROUP, &a.sin_addr);
	return a;
}

static void must(int result, const char *what)
{
	if (result)
		give_up(WORKLOAD_SKIP, "cannot %s: %s", what, strerror(errno));
}

static void receive_and_refuse(void)
{
	static struct sock_filter code[FILTER_LENGTH];
	struct sock_fprog filter = { .len = FILTER_LENGTH, .filter = code };
	struct ip_mreq membership = { .imr_interface.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in a = group_address();
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; i < FILTER_LENGTH - 1; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 3);
	code[FILTER_LENGTH - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	membership.imr_multiaddr = a.sin_addr;
	must(fd < 0, "open a socket");
	must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "share a port");
	must(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)), "attach a filter");
	must(bind(fd, (struct sockaddr *)&a, sizeof(a)), "bind");
	must(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)), "join on the loopback");
}

static void send_one(int fd)
{
	struct sockaddr_in a = group_address();

	if (sendto(fd, "flood", 5, 0, (struct sockaddr *)&a, sizeof(a)) < 0)
		give_up(WORKLOAD_SKIP, "cannot send: %s", strerror(errno));
}

/* The shortest of many: without what else the CPU did. */
static uint64_t time_of_send(int fd)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < PROBES; i++) {
		uint64_t start = now_ns(), took;

		send_one(fd);
		took = now_ns() - start;
		if (took < best)
			best = took;
	}
	return best;
}

int main(int argc, char **argv)
{
	struct common_options common = COMMON_DEFAULTS;
	struct in_addr loopback = { .s_addr = htonl(INADDR_LOOPBACK) };
	int opt, fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t bare, full, end;

	while ((opt = getopt(argc, argv, COMMON_OPTIONS)) != -1)
		take_common(&common, opt, optarg);
	pin_to(common.cpu);
	must(fd < 0, "open a socket");
	must(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof(loopback)), "send on the loopback");
	bare = time_of_send(fd);
	for (int i = 0; i < RECEIVERS; i++)
		receive_and_refuse();
	full = time_of_send(fd);
	printf("{\"softirq_percent\":%.1f,\"send_ns\":%lu}\n", 100 - 100.0 * (double)bare / (double)full, full);
	fflush(stdout);
	end = end_of(&common);
	while (now_ns() < end)
		send_one(fd);
	return 0;
}
