/*
 * totpd: checks codes, and keeps what people enrol, for programs that may not do so
 * themselves. It runs as the account _pam_totp without any of root's rights.
 *
 * Who attacks it: every local user, with any bytes, any number of connections, at any pace.
 * So the parent does as little as can be: it looks at a message of one fixed length, asks the
 * kernel who sent it, and forks; a child with a deadline does what it says. A child that
 * crashes is logged and costs one answer. What came with a message, and connections, are closed
 * by processes that nobody waits for (closer.h). What is not defended: the keyring is in its memory,
 * so whoever takes totpd over has everybody's second factor.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "closer.h"
#include "clients.h"
#include "listener.h"
#include "privdrop.h"
#include "host/ask.h"
#include "host/conf.h"
#include "host/log.h"
#include "host/source.h"
#include "requests.h"

#define SECOND       1000000000ull
#define READ_TIME    SECOND                     /* in which a request is to arrive */
#define WAIT_TIME    (ASK_WAIT_MS * 1000000ull) /* after which who asked has gone */
#define DEAF_TIME    (SECOND / 10)  /* without accepting, for want of descriptors or memory */
#define CLOSE_SOON   (SECOND / 100) /* a connection whose other end may be waiting for that */
#define CLOSE_LATER  (SECOND / 5)   /* one that nobody waits for */
#define ACCEPT_MAX   512            /* connections in a row, before those who sit have a turn */
#define TELL_TIME    (60 * SECOND)  /* between two complaints about the same */
#define CHILD_ALARM  4              /* seconds, after which a child ends by itself */
#define CHILD_TIME   (6 * SECOND)   /* after which it is killed */
#define IDLE_DEFAULT 60
#define IDLE_MAX     86400
#define KEY_TRY      (60 * SECOND) /* before it is started anew for a key that it lacks */
#define LACKS_KEY    3             /* exit code of a child */
#define KEYRING_NAME "keyring"     /* of the credential */

struct options {
	const char *conf; /* or NULL */
	uint64_t idle;    /* seconds without a request; when activated */
	bool foreground;  /* make the sockets; else a service manager has */
};

struct totpd {
	struct options options;
	struct office office;
	struct io_stamp policy_stamp;
	struct doors doors;
	struct desk desk;
	struct closer closer;
	struct ledger_page *notes; /* one of each seat, shared with its child */
	pid_t teller;              /* the process that logs what the ledger withheld; 0: none */
	int signals;
	uint64_t began, last;      /* CLOCK_MONOTONIC, ns; last: of the last request */
	uint64_t deaf_until, told; /* when something ran short, and when that was logged */
	bool leaving;              /* finish what is under way, then end */
};

static struct totpd totpd = {.doors = DOORS_NONE, .closer = CLOSER_NONE, .signals = -1};

/* --- the log --- */

static void report(int priority, const char *outcome, const char *reason, const char *detail)
{
	const struct log_event event = {
		.service = "totpd", .outcome = outcome, .reason = reason, .detail = detail};

	log_send(priority, &event);
}

static void complain(void *context, const struct reason *complaint)
{
	(void)context;
	report(LOG_ERR, "error", "policy", complaint->text);
}

/* Before it listens: to the terminal or the journal as well. */
static int give_up(const struct reason *why)
{
	report(LOG_ERR, "error", "start", why->text);
	fprintf(stderr, "totpd: %s\n", why->text);
	return EXIT_FAILURE;
}

/* --- files that may change --- */

static const char *policy_path(void)
{
	return totpd.options.conf ? totpd.options.conf : POLICY_FILE;
}

static enum totp_err load_policy(void)
{
	/* looked at first: a change while it is read is seen the next time */
	struct io_stamp stamp = io_stamp_of(policy_path());
	enum totp_err err =
		conf_load(policy_path(), totpd.options.conf, &totpd.office.policy, complain, NULL);

	totpd.policy_stamp = stamp;
	totpd.office.policy.enroll_in_account = true; /* that is the PAM line's to say */
	totpd.office.closed = err != TOTP_OK;
	return err;
}

static void refresh_policy(void)
{
	struct io_stamp stamp = io_stamp_of(policy_path());

	if (!io_stamp_equal(&stamp, &totpd.policy_stamp) && load_policy() == TOTP_OK)
		report(LOG_INFO, "policy", "changed", NULL);
}

/* --- children --- */

static void send_response(int fd, const struct wire_response *response)
{
	uint8_t message[WIRE_RESPONSE_LEN];

	if (wire_put_response(response, message) == TOTP_OK)
		(void)!send(fd, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
	WIPE(message);
}

/* In the order that the closer's gate needs: connections first. */
static void leave_parents_things(const struct seat *mine)
{
	sigset_t none;

	for (size_t i = 0; i < DESK_SEATS; i++) {
		const struct seat *seat = &totpd.desk.seats[i];

		if (seat != mine && seat->state != SEAT_FREE)
			fd_close(seat->fd);
	}
	closer_leave(&totpd.closer);
	door_close(&totpd.doors);
	fd_close(totpd.signals);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static struct ledger_page *note_of(const struct seat *seat)
{
	return &totpd.notes[seat - totpd.desk.seats];
}

/* From here on the request is heard: until it is taken out, its sender is told to ask again. */
static _Noreturn void answer(const struct seat *seat)
{
	OWN_WIRE_RESPONSE struct wire_response response = {.op = WIRE_LOOK, .err = seat->err};
	bool lacks_key = false;

	leave_parents_things(seat);
	alarm(CHILD_ALARM);
	totpd.office.note = note_of(seat);
	(void)!recv(seat->fd, NULL, 0, MSG_DONTWAIT);
	if (seat->err == TOTP_OK)
		lacks_key = serve(&totpd.office, &seat->peer, seat->fd, &seat->request, &response);
	send_response(seat->fd, &response);
	wire_response_wipe(&response);
	_exit(lacks_key ? LACKS_KEY : EXIT_SUCCESS);
}

/* What cannot be had now is tried again soon: poll would tell of it at once, and again. */
static void be_deaf(const char *what, const char *sentence)
{
	uint64_t now = io_monotonic_ns();
	struct reason why = {""};

	(void)reason_errno(&why, "%s", sentence);
	totpd.deaf_until = now + DEAF_TIME;
	if (totpd.told == 0 || now - totpd.told > TELL_TIME) {
		totpd.told = now;
		report(LOG_ERR, "error", what, why.text);
	}
}

static bool is_deaf(void)
{
	return io_monotonic_ns() < totpd.deaf_until;
}

/* The connection goes with it. */
static void leave(struct seat *seat, uint64_t patience)
{
	closer_take(&totpd.closer, &seat->fd, io_monotonic_ns() + patience);
	desk_leave(seat);
}

static void start_child(struct seat *seat)
{
	pid_t child;

	if (door_is_left(seat->fd)) {
		leave(seat, CLOSE_LATER);
		return;
	}
	refresh_policy();
	*note_of(seat) = (struct ledger_page){0};
	child = fork();
	if (child == 0)
		answer(seat);
	if (child < 0) {
		be_deaf("fork", "no request can be answered");
		return;
	}
	wire_request_wipe(&seat->request);
	seat->state = SEAT_RUNNING;
	seat->child = child;
	seat->deadline = io_monotonic_ns() + CHILD_TIME;
}

/*
 * A record is sealed by a key that is not here. If the keyring has changed since it was read, or
 * cannot be looked at, leave, and be started anew with the new one; but not at every request,
 * since the key may be lost.
 */
static void miss_key(void)
{
	static const struct io_stamp nothing;
	struct io_stamp stamp = io_stamp_of(totpd.office.policy.keyring);
	bool unseen = io_stamp_equal(&stamp, &nothing);

	if (totpd.leaving || io_stamp_equal(&stamp, &totpd.office.keyring.stamp) ==
				     !(unseen && io_monotonic_ns() - totpd.began > KEY_TRY))
		return;
	report(LOG_NOTICE, "leave", "keyring", "a record needs a key that came later");
	totpd.leaving = true;
}

static struct seat *seat_of(pid_t child)
{
	for (size_t i = 0; i < DESK_SEATS; i++)
		if (totpd.desk.seats[i].state == SEAT_RUNNING && totpd.desk.seats[i].child == child)
			return &totpd.desk.seats[i];
	return NULL;
}

static void end_child(pid_t child, int status)
{
	struct seat *seat = seat_of(child);
	char detail[80];

	if (child == totpd.teller) {
		totpd.teller = 0;
		return;
	}
	if (!seat) {
		totpd.closer.at_work--;
		return;
	}
	ledger_enter(&totpd.office.ledger, note_of(seat), io_monotonic_ns());
	leave(seat, WIFEXITED(status) ? CLOSE_LATER : CLOSE_SOON);
	if (WIFSIGNALED(status)) {
		snprintf(detail, sizeof(detail), "a check was ended by signal %d%s",
			 WTERMSIG(status), WTERMSIG(status) == SIGALRM ? ": it took too long" : "");
		report(LOG_ERR, "error", "crash", detail);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == LACKS_KEY)
		miss_key();
}

static void end_children(void)
{
	int status = 0;
	pid_t child;

	while ((child = waitpid(-1, &status, WNOHANG)) > 0)
		end_child(child, status);
}

/* --- what was not logged --- */

static void report_withheld(const struct ledger_page *page)
{
	char whose[32] = "other users", detail[160];

	if (page->uid != LEDGER_OTHERS)
		snprintf(whose, sizeof(whose), "uid %u", (unsigned)page->uid);
	snprintf(detail, sizeof(detail),
		 "%u more denials and errors and %u more accepted codes of %s in the last minute",
		 (unsigned)page->withheld[LEDGER_DENIED], (unsigned)page->withheld[LEDGER_ACCEPTED],
		 whose);
	report(LOG_NOTICE, "withheld", "flood", detail);
}

static void report_all_withheld(uint64_t now)
{
	struct ledger_page due[LEDGER_USERS + 1];
	size_t count = ledger_due(&totpd.office.ledger, now, due);

	for (size_t i = 0; i < count; i++)
		report_withheld(&due[i]);
}

/* In a process of its own: if what takes the lines is stuck, that holds no request up. */
static void tell_withheld(uint64_t now)
{
	struct ledger_page due[LEDGER_USERS + 1];
	pid_t child;

	if (totpd.teller)
		return;
	if (ledger_due(&totpd.office.ledger, now, due) > 0) {
		child = fork();
		if (child == 0) {
			leave_parents_things(NULL);
			alarm(CHILD_ALARM);
			report_all_withheld(now);
			_exit(EXIT_SUCCESS);
		}
		if (child < 0)
			return; /* later */
		totpd.teller = child;
	}
	ledger_clear(&totpd.office.ledger, now);
}

/* --- connections --- */

/* su and sudo ask as root, for whoever has started them. */
static uid_t asks_for(const struct seat *seat)
{
	const struct source *source = &seat->request.source;

	return seat->peer.root && seat->peer.uid == 0 && seat->err == TOTP_OK &&
			       source->kind == SOURCE_UID
		       ? source_uid(source)
		       : seat->peer.uid;
}

/*
 * Looked at, not taken out: what came with a message that is taken out would be closed here. It
 * carries descriptors where the kernel says that control data found no room.
 */
static void read_one(struct seat *seat)
{
	uint8_t message[WIRE_REQUEST_LEN + 1]; /* a longer one is none of ours */
	struct iovec room = {.iov_base = message, .iov_len = sizeof(message)};
	struct msghdr header = {.msg_iov = &room, .msg_iovlen = 1};
	ssize_t len = recvmsg(seat->fd, &header, MSG_PEEK);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0 || (header.msg_flags & MSG_CTRUNC)) {
		leave(seat, CLOSE_SOON);
		return;
	}
	seat->err = wire_get_request(message, (size_t)len, &seat->request);
	WIPE(message);
	if (!desk_wait(&totpd.desk, seat, asks_for(seat))) {
		leave(seat, CLOSE_SOON);
		return;
	}
	seat->deadline = io_monotonic_ns() + WAIT_TIME;
	if (seat->err == TOTP_OK && seat->request.deadline < seat->deadline)
		seat->deadline = seat->request.deadline;
}

static struct seat *find_seat(const struct peer *peer)
{
	struct seat *seat = desk_sit(&totpd.desk, peer);
	struct seat *silent = seat ? NULL : desk_oust(&totpd.desk, peer);

	if (!silent)
		return seat;
	leave(silent, CLOSE_SOON);
	return desk_sit(&totpd.desk, peer);
}

/* Everybody who sits must be able to go, too. */
static bool has_room(bool root)
{
	return closer_has_room(&totpd.closer, DESK_SEATS + 1) &&
	       (root || desk_has_room(&totpd.desk));
}

/* False: there is no more to accept. */
static bool accept_one(int listener, bool root)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct peer peer = {.root = root};
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct seat *seat = NULL;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			be_deaf("accept", "no connection can be accepted");
		return errno == EINTR || errno == ECONNABORTED;
	}
	totpd.last = io_monotonic_ns();
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
		peer.uid = cred.uid;
		seat = find_seat(&peer);
	}
	if (!seat) {
		closer_take(&totpd.closer, &fd, totpd.last + CLOSE_SOON);
		return true;
	}
	seat->fd = fd;
	seat->deadline = totpd.last + READ_TIME;
	read_one(seat); /* mostly it is there already */
	return true;
}

/* All who have come, so that who comes without end does not keep the others waiting outside. */
static void accept_all(int listener, bool root)
{
	for (int i = 0; i < ACCEPT_MAX; i++)
		if (!has_room(root) || !accept_one(listener, root))
			return;
}

/* Who has said nothing for too long goes, or when it is time to leave, and who has waited for
 * longer than anybody would, or than the request says. */
static void clear_seats(uint64_t now)
{
	for (size_t i = 0; i < DESK_SEATS; i++) {
		struct seat *seat = &totpd.desk.seats[i];
		bool over = now >= seat->deadline || (totpd.leaving && seat->state == SEAT_READING);

		if (seat->state == SEAT_FREE || !over)
			continue;
		if (seat->state == SEAT_RUNNING)
			kill(seat->child, SIGKILL);
		else
			leave(seat, CLOSE_SOON);
	}
}

/* --- the loop --- */

enum { POLL_SIGNALS, POLL_ROOT, POLL_USER, POLL_SEATS };

struct polled {
	struct pollfd fds[POLL_SEATS + DESK_SEATS];
	struct seat *seats[DESK_SEATS];
	nfds_t count;
};

static void gather(struct polled *polled)
{
	bool deaf = totpd.leaving || is_deaf();

	polled->fds[POLL_SIGNALS] = (struct pollfd){.fd = totpd.signals, .events = POLLIN};
	polled->fds[POLL_ROOT] = (struct pollfd){
		.fd = deaf || !has_room(true) ? -1 : totpd.doors.root, .events = POLLIN};
	polled->fds[POLL_USER] = (struct pollfd){
		.fd = deaf || !has_room(false) ? -1 : totpd.doors.user, .events = POLLIN};
	polled->count = POLL_SEATS;
	for (size_t i = 0; i < DESK_SEATS; i++) {
		struct seat *seat = &totpd.desk.seats[i];

		if (seat->state != SEAT_READING)
			continue;
		polled->seats[polled->count - POLL_SEATS] = seat;
		polled->fds[polled->count++] = (struct pollfd){.fd = seat->fd, .events = POLLIN};
	}
}

static void take_signals(void)
{
	struct signalfd_siginfo info;

	while (read(totpd.signals, &info, sizeof(info)) == sizeof(info))
		totpd.leaving |= info.ssi_signo != SIGCHLD;
	end_children();
}

static void turn(struct polled *polled)
{
	struct seat *next;

	if (polled->fds[POLL_SIGNALS].revents)
		take_signals();
	for (nfds_t i = POLL_SEATS; i < polled->count; i++)
		if (polled->fds[i].revents)
			read_one(polled->seats[i - POLL_SEATS]);
	if (polled->fds[POLL_ROOT].revents)
		accept_all(totpd.doors.root, true);
	if (polled->fds[POLL_USER].revents)
		accept_all(totpd.doors.user, false);
	clear_seats(io_monotonic_ns());
	tell_withheld(io_monotonic_ns());
	while (!is_deaf() && (next = desk_next(&totpd.desk)))
		start_child(next);
	if (closer_run(&totpd.closer, io_monotonic_ns())) {
		door_close(&totpd.doors);
		closer_finish(&totpd.closer);
	}
}

/* With nothing under way: is it time to go? */
static bool is_over(uint64_t now)
{
	if (desk_taken(&totpd.desk))
		return false;
	return totpd.leaving ||
	       (totpd.doors.activated && now - totpd.last > totpd.options.idle * SECOND);
}

/* How long poll may wait, in milliseconds: for ever where nothing is under way or ends. */
static int patience(uint64_t now)
{
	int closer = closer_wait_ms(&totpd.closer, now);
	bool waits = totpd.doors.activated || totpd.leaving || ledger_is_open(&totpd.office.ledger);
	int own = waits ? 1000 : -1;

	if (desk_taken(&totpd.desk))
		own = 250;
	if (now < totpd.deaf_until)
		own = DEAF_TIME / 1000000;
	if (closer < 0)
		return own;
	return own < 0 || closer < own ? closer : own;
}

static int run(void)
{
	static struct polled polled;

	while (!is_over(io_monotonic_ns())) {
		gather(&polled);
		if (poll(polled.fds, polled.count, patience(io_monotonic_ns())) < 0 &&
		    errno != EINTR) {
			struct reason why;

			(void)reason_errno(&why, "poll");
			report(LOG_ERR, "error", "system_call_failed", why.text);
			return EXIT_FAILURE;
		}
		turn(&polled);
	}
	return EXIT_SUCCESS;
}

/* --- the beginning --- */

static enum totp_err find_service(struct account *ret_account, struct reason *why)
{
	enum totp_err err = account_find(SERVICE_ACCOUNT, ret_account, why);

	if (err == TOTP_OK && !ret_account->known) {
		reason_set(why, "there is no account " SERVICE_ACCOUNT ": systemd-sysusers makes "
				"it, or useradd --system " SERVICE_ACCOUNT);
		err = TOTP_ERR_NOT_FOUND;
	}
	return err;
}

/* Root alone can make what readonly_login keeps in run_dir. */
static void prepare_run_dir(void)
{
	struct store_config config = conf_store(&totpd.office.policy);
	OWN_STORE struct store *store = NULL;

	if (config.run_dir)
		(void)!store_open(&config, &store, NULL); /* what is wrong is told who asks */
}

/* As root: read the keyring, make the sockets if they are ours to make, and be root no more. */
static enum totp_err begin_as_root(struct reason *why)
{
	struct account service = {0};
	enum totp_err err = find_service(&service, why);

	if (err == TOTP_OK)
		err = keyring_load(totpd.office.policy.keyring, &totpd.office.keyring, why);
	if (err == TOTP_OK && totpd.doors.user < 0 && totpd.doors.root < 0)
		err = door_make(totpd.office.policy.run_dir, &totpd.doors, why);
	if (err == TOTP_OK)
		prepare_run_dir();
	return err == TOTP_OK ? drop_to(&service, why) : err;
}

/* As the service account: a service manager has done all that takes rights. */
static enum totp_err begin_as_service(struct reason *why)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (totpd.doors.user < 0 && totpd.doors.root < 0) {
		reason_set(why, "only root can make the sockets");
		return TOTP_ERR_FORBIDDEN;
	}
	if (!folder || folder[0] != '/')
		reason_set(why, "no credential \"" KEYRING_NAME "\" was handed over: see "
				"LoadCredential= in totpd.service");
	else
		(void)!keyring_load_credential(folder, KEYRING_NAME, geteuid(),
					       &totpd.office.keyring, why);
	/* without keys it answers all the same, with an error: a service that keeps failing to
	   start would make the service manager close the sockets for good */
	if (totpd.office.keyring.count == 0)
		report(LOG_ERR, "error", "keyring", why->text);
	why->text[0] = '\0';
	return drop_limits(why);
}

/* Let libcrypto do once what it does at its first use, before there are children. */
static enum totp_err warm_up(void)
{
	static const uint8_t zeros[GCM_KEY_LEN];
	uint8_t mac[MAC_MAX], plain[1] = {0}, box[1 + SEAL_OVERHEAD];
	struct host_key key = {0};
	size_t len = 0;
	enum totp_err err = TOTP_OK;

	for (enum hmac_alg alg = HMAC_SHA1; alg <= HMAC_SHA512 && err == TOTP_OK; alg++)
		err = crypto_hmac(alg, zeros, sizeof(zeros), NULL, 0, mac);
	if (err == TOTP_OK)
		err = seal_close(&key, "-", plain, sizeof(plain), box);
	return err == TOTP_OK ? seal_open(&key, "-", box, sizeof(box), plain, sizeof(plain), &len)
			      : err;
}

static enum totp_err hold_signals(void)
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
	totpd.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return totpd.signals >= 0 ? TOTP_OK : TOTP_ERR_SYSTEM;
}

static enum totp_err make_notes(void)
{
	void *notes = mmap(NULL, DESK_SEATS * sizeof(*totpd.notes), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (notes == MAP_FAILED)
		return TOTP_ERR_NOMEM;
	totpd.notes = notes;
	return TOTP_OK;
}

static enum totp_err begin(struct reason *why)
{
	struct io_stamp stamp;
	enum totp_err err = door_take(&totpd.doors, why);

	if (err == TOTP_ERR_NOT_FOUND && totpd.options.foreground)
		err = TOTP_OK;
	else if (err == TOTP_ERR_NOT_FOUND)
		reason_set(why, "no sockets were handed over; by hand say --foreground");
	/* with a service manager's sockets, requests are denied until the policy is mended */
	if (err == TOTP_OK && load_policy() != TOTP_OK && !totpd.doors.activated) {
		reason_set(why, "the policy is in error: run totpctl check");
		err = TOTP_ERR_FORMAT;
	}
	if (err != TOTP_OK)
		return err;
	stamp = io_stamp_of(totpd.office.policy.keyring);
	err = geteuid() == 0 ? begin_as_root(why) : begin_as_service(why);
	totpd.office.keyring.stamp = stamp;
	if (err == TOTP_OK)
		err = warm_up();
	if (err == TOTP_OK)
		err = hold_signals();
	if (err == TOTP_OK)
		err = closer_begin(&totpd.closer);
	if (err == TOTP_OK)
		err = make_notes();
	if (err != TOTP_OK && !why->text[0])
		reason_set(why, "cannot begin: %s", err_name(err));
	return err;
}

static int print_help(void)
{
	printf("Usage: totpd [OPTION...]\n"
	       "Check codes, and keep what people enrol, for programs that are not root's.\n"
	       "\n"
	       "  --foreground    make the sockets, instead of taking a service manager's\n"
	       "  --conf FILE     another policy than " POLICY_FILE "\n"
	       "  --idle SECONDS  with a manager's sockets: leave after so long without a\n"
	       "                  request (%d)\n"
	       "  --help, --version\n"
	       "\n"
	       "SIGTERM finishes what is under way. See totpd(8).\n",
	       IDLE_DEFAULT);
	return EXIT_SUCCESS;
}

static int refuse_usage(const char *sentence)
{
	fprintf(stderr, "totpd: %s\nTry 'totpd --help'.\n", sentence);
	return 2;
}

/* The value of the option at argv[*index]; NULL: another option, or no value. */
static const char *value_of(int argc, char **argv, int *index, const char *name)
{
	if (strcmp(argv[*index], name) != 0 || *index + 1 >= argc)
		return NULL;
	return argv[++*index];
}

/* 0 to go on, or what to exit with, negated. */
static int read_options(int argc, char **argv, struct options *options)
{
	*options = (struct options){.idle = IDLE_DEFAULT};
	for (int i = 1; i < argc; i++) {
		const char *value;

		if (strcmp(argv[i], "--foreground") == 0)
			options->foreground = true;
		else if (strcmp(argv[i], "--help") == 0)
			return print_help() - 1;
		else if (strcmp(argv[i], "--version") == 0)
			return printf("totpd (pam_totp) " VERSION "\n") < 0 ? -2 : -1;
		else if ((value = value_of(argc, argv, &i, "--conf")))
			options->conf = value;
		else if (!(value = value_of(argc, argv, &i, "--idle")) ||
			 text_number(text_of(value), 1, IDLE_MAX, &options->idle) != TOTP_OK)
			return -1 - refuse_usage("there is no such option, or its value is wrong");
	}
	if (options->conf && options->conf[0] != '/')
		return -1 - refuse_usage("--conf: expected an absolute path");
	return 0;
}

int main(int argc, char **argv)
{
	struct reason why = {""};
	int code = read_options(argc, argv, &totpd.options);

	if (code != 0)
		return -1 - code;
	umask(077);
	if (chdir("/") != 0)
		reason_set(&why, "cannot go to /");
	if (why.text[0] || begin(&why) != TOTP_OK)
		return give_up(&why);
	totpd.began = totpd.last = io_monotonic_ns();
	report(LOG_INFO, "begin", totpd.doors.activated ? "activated" : "by_hand", NULL);
	code = run();
	/* sockets are closed by the exit, which waits for nothing that strangers sent */
	keyring_wipe(&totpd.office.keyring);
	report_all_withheld(UINT64_MAX);
	report(LOG_INFO, "end", "done", NULL);
	return code;
}
