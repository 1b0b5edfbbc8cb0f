/* SPDX-License-Identifier: BSD-2-Clause */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "host/ask.h"
#include "host/source.h"
#include "requests.h"
#include "stream.h"

#define SECOND        1000000000ull
#define READ_TIME     SECOND                     /* in which a request must arrive */
#define WAIT_TIME     (ASK_WAIT_MS * 1000000ull) /* after which the client is gone */
#define USE_TIME      (ASK_USE_MS * 1000000ull)  /* after which it wants nothing done any more */
#define PAUSE_TIME    (SECOND / 10)  /* without descriptors or processes, until the next try */
#define CLOSE_SOON    (SECOND / 100) /* a connection whose client may wait for its end */
#define CLOSE_LATER   (SECOND / 5)   /* a connection whose client does not wait */
#define COMPLAIN_TIME (60 * SECOND)  /* between two log lines about the same */
#define CHILD_ALARM   4              /* seconds, after which a child ends by itself */
#define CHILD_TIME    (6 * SECOND)   /* after which it is killed */

/* What a child tells totpd by its exit code, or by the report of a worker. */
enum found {
	FOUND_KEY_LACKING = 2, /* as request_answer has it */
	FOUND_WRONG_CODE = 4,  /* by the client's host, which could have guessed */
	FOUND_FAILURE = 8,     /* it answered that it could not do it; a worker ends then */
};

/* --- children --- */

/* Close what a child has inherited, in the order that the closer's barriers need: first the
 * connections. own: the client that the child answers, or NULL. */
static void close_inherited(struct loop *loop, const struct client *own)
{
	sigset_t none;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &loop->clients.all[i];

		if (client != own && client->state != CLIENT_NONE)
			fd_close(client->fd);
	}
	closer_close(&loop->closer);
	workers_close(&loop->workers);
	listeners_close(&loop->listeners);
	fd_close(loop->signals);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static struct log_counts *counts_of(const struct loop *loop, const struct client *client)
{
	return &loop->counts[client - loop->clients.all];
}

/*
 * Did the host send a code that it could have guessed? Any user there can send answers that are no
 * guesses without end, such as a wrong recovery code or a used code. While the clock is back, a
 * code may be a guess too.
 */
static bool is_wrong(const struct wire_response *response)
{
	return response->err == TOTP_OK && (response->outcome.reason == JUDGE_WRONG_CODE ||
					    response->outcome.reason == JUDGE_CLOCK_BACK);
}

/*
 * What this process lacks it may lack for good: libcrypto never works again if it had no memory
 * when it was first used.
 */
static bool has_failed(const struct wire_response *response)
{
	return response->err == TOTP_ERR_SYSTEM || response->err == TOTP_ERR_NOMEM ||
	       response->err == TOTP_ERR_CRYPTO || response->err == TOTP_ERR_TIMEOUT ||
	       response->err == TOTP_ERR_PEER;
}

/* A client that waits no longer may be why it failed, and could have each process end. */
static bool is_awaited(const struct client *client)
{
	return io_monotonic_ns() < client->relay.request.deadline &&
	       !listener_client_left(client->fd);
}

static void send_response(const struct client *client, const struct wire_response *response)
{
	uint8_t message[WIRE_RESPONSE_LEN];

	if (client->is_stream) {
		stream_answer(client, response);
		return;
	}
	if (wire_put_response(response, message) == TOTP_OK)
		(void)!send(client->fd, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
	WIPE(message);
}

/*
 * In a child: take the message out of the socket first. If totpd closes a connection before that,
 * the client sees that it may try again. Returns what it found.
 */
static unsigned answer(struct loop *loop, const struct client *client)
{
	OWN_WIRE_RESPONSE struct wire_response response = {
		.op = client->err == TOTP_ERR_FORBIDDEN ? client->relay.request.op : WIRE_LOOK,
		.err = client->err};
	unsigned found = 0;

	alarm(CHILD_ALARM);
	loop->server.counts = counts_of(loop, client);
	if (!client->is_stream)
		(void)!recv(client->fd, NULL, 0, MSG_DONTWAIT);
	if (client->err == TOTP_ERR_FORBIDDEN)
		reason_set(&response.why,
			   "the host %s has sent too many wrong codes: the "
			   "verifier checks no code of it for a while",
			   client->peer.host);
	if (client->err == TOTP_OK &&
	    request_answer(&loop->server, &client->peer, client->fd, &client->relay, &response))
		found |= FOUND_KEY_LACKING;
	if (client->err == TOTP_OK && is_wrong(&response))
		found |= FOUND_WRONG_CODE;
	if (has_failed(&response) && is_awaited(client))
		found |= FOUND_FAILURE;
	send_response(client, &response);
	alarm(0);
	return found;
}

static _Noreturn void run_child(struct loop *loop, struct client *client)
{
	unsigned found;

	close_inherited(loop, client);
	found = answer(loop, client);
	relay_request_wipe(&client->relay);
	_exit((int)found);
}

static _Noreturn void run_worker(struct loop *loop, int end)
{
	struct client taken;
	size_t index;

	close_inherited(loop, NULL);
	WIPE(loop->clients); /* requests that others answer */
	loop->server.is_worker = true;
	while (worker_take(end, &taken, &index)) {
		struct client *client = &loop->clients.all[index];
		unsigned found;

		*client = taken;
		WIPE(taken);
		found = answer(loop, client);
		/* totpd has the connection too, so that this waits for nothing */
		fd_close(client->fd);
		client_remove(client);
		if ((found & FOUND_FAILURE) || !worker_report(end, found))
			_exit((int)found); /* from this totpd learns it, and does not wait */
	}
	_exit(EXIT_SUCCESS);
}

/* Try again later, without poll, which would report the same at once. */
static void back_off(struct loop *loop, const char *what, const char *sentence)
{
	uint64_t now = io_monotonic_ns();
	struct reason why = {""};

	(void)reason_errno(&why, "%s", sentence);
	loop->paused_until = now + PAUSE_TIME;
	if (loop->complained == 0 || now - loop->complained > COMPLAIN_TIME) {
		loop->complained = now;
		server_log(LOG_ERR, "error", what, why.text);
	}
}

static bool is_paused(const struct loop *loop)
{
	return io_monotonic_ns() < loop->paused_until;
}

/* Remove a client, and have its connection closed. */
static void disconnect(struct loop *loop, struct client *client, uint64_t patience)
{
	closer_take(&loop->closer, &client->fd, io_monotonic_ns() + patience);
	client_remove(client);
}

/* A process that answers this client alone. -1: errno. */
static pid_t start_child(struct loop *loop, struct client *client)
{
	pid_t child = fork();

	if (child == 0)
		run_child(loop, client);
	return child;
}

static struct worker *start_worker(struct loop *loop)
{
	OWN_FD int end = -1;
	struct worker *worker = workers_prepare(&loop->workers, &end);
	pid_t child;

	if (!worker)
		return NULL;
	child = fork();
	if (child == 0) {
		fd_close(worker->fd); /* it has no pid yet, so workers_close leaves it open */
		run_worker(loop, end);
	}
	if (child < 0) {
		worker_end(worker);
		return NULL;
	}
	worker->pid = child;
	worker->policy = loop->server.policy_number;
	return worker;
}

/* A process that answers it, and others later. -1: errno. */
static pid_t give_to_worker(struct loop *loop, const struct client *client)
{
	struct worker *worker = workers_idle(&loop->workers, loop->server.policy_number);

	if (!worker)
		worker = start_worker(loop);
	if (!worker)
		return -1;
	if (worker_give(worker, client, (size_t)(client - loop->clients.all)))
		return worker->pid;
	worker_end(worker); /* it has died: SIGCHLD comes */
	return -1;
}

/* A host that has sent too many wrong codes gets no more of them checked. */
static void check_budget(struct loop *loop, struct client *client)
{
	const struct policy *policy = &loop->server.policy;
	enum wire_op op = client->relay.request.op;
	char detail[256];
	bool tell = false;

	if (!client->peer.host[0] || client->err != TOTP_OK || op == WIRE_LOOK ||
	    op == WIRE_STATUS ||
	    budget_allows(&loop->budget, client->peer.host, policy->host_failures,
			  io_monotonic_ns(), &tell))
		return;
	client->err = TOTP_ERR_FORBIDDEN;
	if (!tell)
		return;
	snprintf(detail, sizeof(detail),
		 "the host %s sent %u wrong codes within an hour: look whether somebody guesses "
		 "there; the limit is host_failures",
		 client->peer.host, (unsigned)policy->host_failures);
	server_log(LOG_ERR, "deny", "host_failures", detail);
}

static void start_request(struct loop *loop, struct client *client)
{
	pid_t child;

	if (listener_client_left(client->fd)) {
		disconnect(loop, client, CLOSE_LATER);
		return;
	}
	server_refresh_policy(&loop->server);
	check_budget(loop, client);
	*counts_of(loop, client) = (struct log_counts){0};
	child = loop->server.policy.store == STORE_IN_FILES ? start_child(loop, client)
							    : give_to_worker(loop, client);
	if (child < 0) {
		back_off(loop, "fork", "no process can be started to answer requests");
		return;
	}
	relay_request_wipe(&client->relay);
	client->state = CLIENT_RUNNING;
	client->child = child;
	client->deadline = io_monotonic_ns() + CHILD_TIME;
}

/* The client's request was answered, or its process has died. */
static void end_request(struct loop *loop, struct client *client, bool answered, unsigned found)
{
	uint64_t now = io_monotonic_ns();

	log_limit_add(loop->server.log_limit, counts_of(loop, client), now);
	if (client->peer.host[0] && (found & FOUND_WRONG_CODE))
		budget_spend(&loop->budget, client->peer.host, loop->server.policy.host_failures,
			     now);
	disconnect(loop, client, answered ? CLOSE_LATER : CLOSE_SOON);
	if ((found & FOUND_KEY_LACKING) && !loop->stopping &&
	    server_should_restart(&loop->server, now - loop->began)) {
		server_log(LOG_NOTICE, "leave", "keyring",
			   "a credential needs a key that was added later");
		loop->stopping = true;
	}
}

static struct client *client_of(struct loop *loop, pid_t child)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (loop->clients.all[i].state == CLIENT_RUNNING &&
		    loop->clients.all[i].child == child)
			return &loop->clients.all[i];
	return NULL;
}

static void log_crash(int status)
{
	char detail[80];

	snprintf(detail, sizeof(detail), "a check was ended by signal %d%s", WTERMSIG(status),
		 WTERMSIG(status) == SIGALRM ? ": it took too long" : "");
	server_log(LOG_ERR, "error", "crash", detail);
}

static void reap_children(struct loop *loop)
{
	int status = 0;
	pid_t child;

	while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
		struct client *client = client_of(loop, child);
		struct worker *worker = workers_find(&loop->workers, child);
		unsigned found = WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;

		if (client)
			end_request(loop, client,
				    WIFEXITED(status) && (!worker || (found & FOUND_FAILURE)),
				    found);
		if (WIFSIGNALED(status) && client)
			log_crash(status);
		if (worker) {
			worker_end(worker);
			*worker = (struct worker){.fd = -1};
		} else if (child == loop->logger) {
			loop->logger = 0;
		} else if (!client) {
			loop->closer.running--;
		}
	}
}

/* A worker has written, or has ended. */
static void read_report(struct loop *loop, struct worker *worker)
{
	struct client *client = client_of(loop, worker->pid);
	unsigned found = 0;

	if (worker->pid && worker_read_report(worker, &found)) {
		worker->busy = false;
		if (client)
			end_request(loop, client, true, found);
	}
}

/* In a child: if the log does not take the lines, no request has to wait. */
static void log_withheld(struct loop *loop, uint64_t now)
{
	if (loop->logger)
		return;
	if (log_limit_is_due(loop->server.log_limit, now)) {
		struct log_limit before = *loop->server.log_limit; /* it changes below */
		pid_t child = fork();

		if (child == 0) {
			close_inherited(loop, NULL);
			alarm(CHILD_ALARM);
			loop->server.log_limit = &before;
			server_log_withheld(&loop->server, now);
			_exit(EXIT_SUCCESS);
		}
		if (child < 0)
			return; /* the next call tries again */
		loop->logger = child;
	}
	log_limit_expire(loop->server.log_limit, now);
}

/* --- connections --- */

/* The request has come: until when does it wait, whatever its deadline says? */
static void limit_time(struct client *client, uint64_t now)
{
	uint64_t *deadline = &client->relay.request.deadline;

	client->deadline = now + WAIT_TIME;
	if (client->err != TOTP_OK)
		return;
	if (*deadline > now + USE_TIME)
		*deadline = now + USE_TIME;
	client->deadline = *deadline;
}

/*
 * Only look at the message: taking it out would close here what came with it. The kernel reports
 * control data for which there was no room, as there is for none: then it carries descriptors.
 */
static void read_request(struct loop *loop, struct client *client)
{
	uint8_t message[WIRE_REQUEST_LEN + 1]; /* a longer message is malformed */
	struct iovec room = {.iov_base = message, .iov_len = sizeof(message)};
	struct msghdr header = {.msg_iov = &room, .msg_iovlen = 1};
	ssize_t len = recvmsg(client->fd, &header, MSG_PEEK);
	const struct source *source = &client->relay.request.source;
	uid_t for_uid = client->peer.uid;

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0 || (header.msg_flags & MSG_CTRUNC)) {
		disconnect(loop, client, CLOSE_SOON);
		return;
	}
	client->err = wire_get_request(message, (size_t)len, &client->relay.request);
	WIPE(message);
	/* su and sudo ask as root, for the user who started them */
	if (client->peer.root && for_uid == 0 && client->err == TOTP_OK &&
	    source->kind == SOURCE_UID)
		for_uid = source_uid(source);
	if (!clients_queue(&loop->clients, client, for_uid)) {
		disconnect(loop, client, CLOSE_SOON);
		return;
	}
	limit_time(client, io_monotonic_ns());
}

/* The same, of a login host. */
static void read_stream(struct loop *loop, struct client *client)
{
	struct reason why = {""};
	enum totp_err err = stream_receive(client, &why);
	uint64_t now = io_monotonic_ns();

	if (client->peer.host[0] && !clients_count_host(&loop->clients, client)) {
		disconnect(loop, client, CLOSE_SOON);
		return;
	}
	if (err == TOTP_ERR_STALE)
		return;
	if (why.text[0] && (loop->complained == 0 || now - loop->complained > COMPLAIN_TIME)) {
		loop->complained = now;
		server_log(LOG_ERR, "error", "verifier", why.text);
	}
	if (err != TOTP_OK || !clients_queue(&loop->clients, client, client->peer.uid)) {
		disconnect(loop, client, CLOSE_SOON);
		return;
	}
	client->relay.request.deadline = now + client->relay.wait_ms * 1000000ull;
	limit_time(client, now);
}

/* There must be room to close the connections of all clients, too. */
static bool can_accept(const struct loop *loop, bool root)
{
	return closer_has_room(&loop->closer, CLIENTS_MAX + 1) &&
	       (root || clients_have_room(&loop->clients));
}

/* False: no more connections can be accepted now. */
static bool accept_one(struct loop *loop, int listener, bool root)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct peer peer = {.root = root};
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct client *client = NULL, *idle;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			back_off(loop, "accept", "no connection can be accepted");
		return errno == EINTR || errno == ECONNABORTED;
	}
	loop->last = io_monotonic_ns();
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
		peer.uid = cred.uid;
		client = clients_add(&loop->clients, &peer);
		idle = client ? NULL : clients_to_evict(&loop->clients, &peer);
		if (idle) {
			disconnect(loop, idle, CLOSE_SOON);
			client = clients_add(&loop->clients, &peer);
		}
	}
	if (!client) {
		closer_take(&loop->closer, &fd, loop->last + CLOSE_SOON);
		return true;
	}
	client->fd = fd;
	client->deadline = loop->last + READ_TIME;
	if (listener != loop->listeners.verifier)
		read_request(loop, client); /* mostly it has arrived already */
	else if (!stream_greet(client))
		disconnect(loop, client, CLOSE_SOON);
	else
		read_stream(loop, client); /* so has its host's name: not all count as one host */
	return true;
}

/*
 * Accept all that have come, so that endless connections of one user do not block the others. The
 * room for clients and for the closer ends the loop before clients wait for long.
 */
static void accept_all(struct loop *loop, int listener, bool root)
{
	while (can_accept(loop, root) && accept_one(loop, listener, root))
		;
}

/* Disconnect clients whose deadline has passed, and idle ones if totpd is stopping; kill children
 * that take too long. */
static void end_overdue(struct loop *loop, uint64_t now)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &loop->clients.all[i];
		bool idle = client->state == CLIENT_READING;

		if (client->state == CLIENT_NONE ||
		    (now < client->deadline && !(loop->stopping && idle)))
			continue;
		if (client->state == CLIENT_RUNNING)
			kill(client->child, SIGKILL);
		else
			disconnect(loop, client, CLOSE_SOON);
	}
}

/* --- the loop --- */

enum { POLL_SIGNALS, POLL_ROOT, POLL_USER, POLL_VERIFIER, POLL_CLIENTS };

struct polled {
	struct pollfd fds[POLL_CLIENTS + CLIENTS_MAX + WORKERS_MAX];
	struct client *clients[CLIENTS_MAX];
	struct worker *workers[WORKERS_MAX];
	nfds_t clients_end; /* from here on they are workers */
	nfds_t count;
};

static void fill_polled(struct loop *loop, struct polled *polled)
{
	bool paused = loop->stopping || is_paused(loop);
	int root = paused || !can_accept(loop, true) ? -1 : loop->listeners.root;
	int user = paused || !can_accept(loop, false) ? -1 : loop->listeners.user;

	polled->fds[POLL_SIGNALS] = (struct pollfd){.fd = loop->signals, .events = POLLIN};
	polled->fds[POLL_ROOT] = (struct pollfd){.fd = root, .events = POLLIN};
	polled->fds[POLL_USER] = (struct pollfd){.fd = user, .events = POLLIN};
	polled->fds[POLL_VERIFIER] =
		(struct pollfd){.fd = user < 0 ? -1 : loop->listeners.verifier, .events = POLLIN};
	polled->count = POLL_CLIENTS;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &loop->clients.all[i];

		if (client->state != CLIENT_READING)
			continue;
		polled->clients[polled->count - POLL_CLIENTS] = client;
		polled->fds[polled->count++] = (struct pollfd){.fd = client->fd, .events = POLLIN};
	}
	polled->clients_end = polled->count;
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *worker = &loop->workers.all[i];

		if (!worker->busy)
			continue;
		polled->workers[polled->count - polled->clients_end] = worker;
		polled->fds[polled->count++] = (struct pollfd){.fd = worker->fd, .events = POLLIN};
	}
}

static void handle_polled(struct loop *loop, const struct polled *polled)
{
	struct signalfd_siginfo info;
	struct client *next;

	if (polled->fds[POLL_SIGNALS].revents) {
		while (read(loop->signals, &info, sizeof(info)) == sizeof(info))
			loop->stopping |= info.ssi_signo != SIGCHLD;
		reap_children(loop);
	}
	for (nfds_t i = polled->clients_end; i < polled->count; i++)
		if (polled->fds[i].revents)
			read_report(loop, polled->workers[i - polled->clients_end]);
	for (nfds_t i = POLL_CLIENTS; i < polled->clients_end; i++) {
		struct client *client = polled->clients[i - POLL_CLIENTS];

		if (polled->fds[i].revents && client->is_stream)
			read_stream(loop, client);
		else if (polled->fds[i].revents)
			read_request(loop, client);
	}
	if (polled->fds[POLL_ROOT].revents)
		accept_all(loop, loop->listeners.root, true);
	if (polled->fds[POLL_USER].revents)
		accept_all(loop, loop->listeners.user, false);
	if (polled->fds[POLL_VERIFIER].revents)
		accept_all(loop, loop->listeners.verifier, false);
	end_overdue(loop, io_monotonic_ns());
	log_withheld(loop, io_monotonic_ns());
	while (!is_paused(loop) && (next = clients_next(&loop->clients)))
		start_request(loop, next);
	if (closer_run(&loop->closer, io_monotonic_ns())) {
		listeners_close(&loop->listeners);
		workers_close(&loop->workers);
		closer_finish(&loop->closer);
	}
}

/* How long poll may wait, in milliseconds; -1: no limit, if nothing is running or will end. */
static int timeout_ms(const struct loop *loop, uint64_t now)
{
	int closer = closer_wait_ms(&loop->closer, now);
	bool waits = loop->listeners.activated || loop->stopping ||
		     log_limit_is_active(loop->server.log_limit);
	int own = waits ? 1000 : -1;

	if (clients_count(&loop->clients))
		own = 250;
	if (now < loop->paused_until)
		own = PAUSE_TIME / 1000000;
	if (closer < 0)
		return own;
	return own < 0 || closer < own ? closer : own;
}

int loop_run(struct loop *loop)
{
	static struct polled polled;

	loop->began = loop->last = io_monotonic_ns();
	for (;;) {
		uint64_t now = io_monotonic_ns();
		bool idle = loop->listeners.activated && now - loop->last > loop->idle &&
			    !budget_is_active(&loop->budget, now);

		if (clients_count(&loop->clients) == 0 && (loop->stopping || idle))
			return EXIT_SUCCESS;
		fill_polled(loop, &polled);
		if (poll(polled.fds, polled.count, timeout_ms(loop, now)) < 0 && errno != EINTR) {
			struct reason why;

			(void)reason_errno(&why, "poll");
			server_log(LOG_ERR, "error", "system_call_failed", why.text);
			return EXIT_FAILURE;
		}
		handle_polled(loop, &polled);
	}
}

/* Zeroed memory that this process shares with all children, or NULL. */
static void *share(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

enum totp_err loop_prepare(struct loop *loop)
{
	static const int held[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		signal(held[i], SIG_DFL);
		sigaddset(&set, held[i]);
	}
	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return TOTP_ERR_SYSTEM;
	loop->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	loop->counts = share(CLIENTS_MAX * sizeof(*loop->counts));
	loop->server.log_limit = share(sizeof(*loop->server.log_limit));
	loop->server.verifiers.failed_until = share(POLICY_VERIFIERS_MAX * sizeof(uint64_t));
	if (!loop->counts || !loop->server.log_limit || !loop->server.verifiers.failed_until)
		return TOTP_ERR_NOMEM;
	return loop->signals >= 0 ? closer_begin(&loop->closer) : TOTP_ERR_SYSTEM;
}
