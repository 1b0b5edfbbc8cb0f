# SPDX-License-Identifier: BSD-2-Clause
#
# FreeRADIUS has codes of pam_totp checked by totpd: rlm_perl calls authenticate() for a request,
# and this sends totpd(8) one message and reads one, as totpd-protocol(5) describes them. A code is
# in memory only. Each thread of FreeRADIUS has an interpreter of its own, so one request does not wait
# for another here.
#
# What is denied, and what fails, is an Access-Reject with a sentence for the user. For what fails,
# the log of FreeRADIUS says what to do. Decisions about codes are in the log of totpd.

use strict;
use warnings;

use Errno qw(EAGAIN ECONNREFUSED ECONNRESET EINTR ENOENT EPIPE);
use Socket qw(:DEFAULT SOCK_SEQPACKET MSG_DONTWAIT MSG_NOSIGNAL SOL_SOCKET SO_PEERCRED SO_SNDTIMEO
	inet_ntop inet_pton pack_sockaddr_un);
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime sleep);

our (%RAD_REQUEST, %RAD_REPLY, %RAD_PERLCONF);

use constant {
	RLM_REJECT => 0, RLM_FAIL => 1, RLM_OK => 2,
	L_ERR => 4,

	REQUEST => 817, RESPONSE => 1067, CHECK_ANSWER => 2,
	DENY => 0, WAIT => 1, ALLOW => 2,
	NOT_ENROLLED => 9, TIMED_OUT => 12, OTHER_VERSION => 13, FORBIDDEN => 16, OTHER_STORE => 17,
	FOR_EVER => 0xffffffff,
	RECOVERY_CODE => 2, USED_CODE => 4, SPENT_RECOVERY => 12, BYPASS => 13, ENDED_BYPASS => 14,

	USE_SECONDS => 4, # after which totpd uses up no code
	WAIT_SECONDS => 5, # for the answer
};

use constant {
	NOT_ACCEPTED => "That code was not accepted.",
	NOT_POSSIBLE => "Verification is not possible right now. Please tell your administrator.",
	SPENT => "This recovery code was already used. Use another one.",
	BYPASS_OVER => "This temporary code is no longer valid. Ask your administrator.",
};

# --- what totpd is asked ---

# A field of the answer, or nothing: six to eight digits, or a recovery code.
sub code_of {
	my ($typed) = @_;

	return undef if ref $typed || length($typed) > 64;
	(my $text = uc $typed) =~ tr/ \-//d;
	return pack("CC a8 a12", 4, length $text, $text, "") if $text =~ /^[0-9]{6,8}\z/;
	$text =~ tr/OIL/011/;
	return pack("CC a8 a12", 5, 0, "", $text) if $text =~ /^[0-9A-HJKMNP-TV-Z]{12}\z/;
	return undef;
}

# The address of the user, as a source. Some clients write ADDRESS[PORT] or ADDRESS:PORT.
sub source_of {
	my ($text) = @_;
	my $packed;

	return undef if !defined $text || ref $text;
	$text =~ s/\[[0-9]+\]\z// or $text =~ s/^([0-9.]+):[0-9]+\z/$1/;
	$text =~ s/^::ffff:(?=[0-9.]+\z)//i;
	return pack("C a16", 1, $packed) if defined($packed = inet_pton(AF_INET, $text));
	return pack("C a16", 2, substr $packed, 0, 8) if defined($packed = inet_pton(AF_INET6, $text));
	return undef;
}

sub source_of_request {
	for my $name (split " ", $RAD_PERLCONF{source} // "") {
		my $source = source_of($RAD_REQUEST{$name});
		return $source if defined $source;
	}
	return pack "C a16", 0, "";
}

# The client, for the log of totpd.
sub service_of_request {
	my $client = $RAD_REQUEST{"NAS-Identifier"} // $RAD_REQUEST{"NAS-IP-Address"}
		// $RAD_REQUEST{"NAS-IPv6-Address"} // "";

	$client = "" if ref $client;
	$client =~ tr/A-Za-z0-9.:_-/?/c;
	return substr $client eq "" ? "radius" : "radius:$client", 0, 32;
}

sub request_of {
	my ($user, $answer, $store, $deadline) = @_;

	return pack "a4 C a200 a32 a17 a22 a260 a16 a255 C C Q>", "PTQ2", CHECK_ANSWER, $user,
		service_of_request(), source_of_request(), $answer, "", "",
		$store, 0, 0, $deadline;
}

# --- asking it ---

# Root owns it, and nobody else can write to it.
sub is_of_root {
	my @stat = lstat $_[0];

	return @stat && $stat[4] == 0 && (!-d _ || !($stat[2] & 022));
}

# One connection. Returns the response, or "", a sentence, and whether to try again.
sub talk {
	my ($directory, $request, $until) = @_;
	my $path = "$directory/socket";
	my $left = $until - clock_gettime(CLOCK_MONOTONIC);
	my ($socket, $ready, $response, $seen);

	return "", "$path: no process is listening: run systemctl enable --now totpd.socket", 0
		if !-e $path;
	return "", "$path: root does not own it, or others can write to $directory", 0
		if !is_of_root($directory) || !is_of_root($path);
	socket $socket, AF_UNIX, SOCK_SEQPACKET, 0 or return "", "no socket: $!", 0;
	setsockopt $socket, SOL_SOCKET, SO_SNDTIMEO,
		pack("l! l!", int $left, 1 + ($left - int $left) * 999998); # 0 would mean no limit
	if (!connect $socket, pack_sockaddr_un($path)) {
		return "", "$path: too many connections are waiting", 1 if $!{EAGAIN} || $!{EINTR};
		return "", "$path: no process is listening: run systemctl enable --now totpd.socket", 0
			if $!{ECONNREFUSED} || $!{ENOENT};
		return "", "$path: $!", 0;
	}
	(undef, $seen) = unpack "i I", getsockopt($socket, SOL_SOCKET, SO_PEERCRED) // "";
	return "", "$path: the process that listens was not started by root", 0
		if !defined $seen || $seen != 0;
	if (!defined send $socket, $request, MSG_NOSIGNAL) {
		return "", "totpd accepts no requests: run journalctl -u totpd.service",
			$!{EPIPE} || $!{ECONNRESET};
	}
	do {
		my $bits = "";

		vec($bits, fileno $socket, 1) = 1;
		$left = $until - clock_gettime(CLOCK_MONOTONIC);
		$ready = $left > 0 ? select $bits, undef, undef, $left : 0;
	} while ($ready < 0 && $!{EINTR});
	return "", "totpd does not answer: run systemctl status totpd.service", 0 if $ready <= 0;
	return "", "totpd accepts no requests: run journalctl -u totpd.service", $!{ECONNRESET}
		if !defined recv $socket, $response, RESPONSE + 1, MSG_DONTWAIT;
	return $response, "", 0
		if length($response) == RESPONSE && $response =~ /^PTA2${\chr CHECK_ANSWER}/;
	return "", length $response
		? "totpd is of another version: install pam_totp.pl of its version, and restart both"
		: "totpd did not answer: run journalctl -u totpd.service", 0;
}

# The response to this answer of the user, or "" and a sentence for the log. store: the path of the
# store, or "" for one that is not in files.
sub ask {
	my ($user, $answer, $store) = @_;
	my $began = clock_gettime(CLOCK_MONOTONIC);
	my $request = request_of($user, $answer, $store, int(($began + USE_SECONDS) * 1e9));
	my ($response, $why, $again);

	do {
		sleep 0.05 if $again;
		($response, $why, $again) = talk($RAD_PERLCONF{run_dir}, $request, $began + WAIT_SECONDS);
	} while ($again && clock_gettime(CLOCK_MONOTONIC) < $began + USE_SECONDS);
	return $response, $why;
}

# --- what the user reads: as the module says it ---

sub plural {
	my ($count, $word) = @_;

	return "$count $word" . ($count == 1 ? "" : "s");
}

sub time_text {
	my (undef, $minute, $hour, $day, $month, $year) = gmtime $_[0];

	return sprintf "%04d-%02d-%02d %02d:%02d UTC", $year + 1900, $month + 1, $day, $hour, $minute;
}

sub place_text {
	my ($kind, $bytes) = unpack "C a16", $_[0];

	return inet_ntop(AF_INET, substr $bytes, 0, 4) if $kind == 1;
	return inet_ntop(AF_INET6, substr($bytes, 0, 8) . "\0" x 8) . "/64" if $kind == 2;
	return $kind == 3 ? "this host" : "elsewhere";
}

sub wait_text {
	my ($seconds) = @_;
	my $minutes = int(($seconds + 59) / 60);

	return "Too many wrong codes. Please ask your administrator." if $seconds == FOR_EVER;
	return "Too many wrong codes. Try again in " . plural($minutes, "minute") . "."
		if $minutes <= 120;
	return "Too many wrong codes. Try again in " . int(($minutes + 59) / 60) . " hours.";
}

sub denied_text {
	my ($verdict, $reason, $seconds) = @_;

	return wait_text($seconds) if $verdict == WAIT;
	return SPENT if $reason == SPENT_RECOVERY;
	return BYPASS_OVER if $reason == ENDED_BYPASS;
	return NOT_ACCEPTED if $reason != USED_CODE;
	return "This code was already used. Wait for the next one." if !$seconds;
	return "This code was already used. The next one comes in " . plural($seconds, "second") . ".";
}

# A list: each is an attribute of its own.
sub allowed_texts {
	my ($reason, $response) = @_;
	my ($failures, $last, $source, $left, $uses, $expires) =
		unpack "L> q> a17 C C q>", substr $response, 310;
	my @texts;

	push @texts, plural($failures, "wrong code") . " since your last login, "
		. ($failures == 1 ? "" : "the last ") . "on " . time_text($last) . " from "
		. place_text($source) . ". If it was not you, tell your administrator." if $failures;
	push @texts, $left ? plural($left, "recovery code") . " left. Ask your administrator for new ones."
		: "That was your last recovery code. Ask your administrator for new ones."
		if $reason == RECOVERY_CODE && $left <= 2;
	push @texts, $uses ? "This temporary code works " . $uses . " more time" . ($uses == 1 ? "" : "s")
		. " until " . time_text($expires) . "." : "This temporary code does not work again."
		if $reason == BYPASS;
	return @texts;
}

sub deny {
	my ($sentence, $code) = @_;
	my $help = $RAD_PERLCONF{help} // "";

	$RAD_REPLY{"Reply-Message"} = $help eq "" ? $sentence : [$sentence, $help];
	return $code;
}

# --- what FreeRADIUS calls ---

sub authenticate {
	my $user = $RAD_REQUEST{"Stripped-User-Name"} // $RAD_REQUEST{"User-Name"} // "";
	my $answer = code_of($RAD_REQUEST{"User-Password"} // "");
	my ($response, $why, $error, $verdict, $reason, $seconds, @texts);

	return deny(NOT_ACCEPTED, RLM_REJECT)
		if ref $user || $user eq "" || length $user > 200 || $user =~ /\0/ || !$answer;
	for my $store ($RAD_PERLCONF{store_dir} // "", "") {
		($response, $why) = ask($user, $answer, $store);
		last if $response eq "" || ord(substr $response, 5) != OTHER_STORE;
	}
	if ($response ne "") {
		($error, my $text) = unpack "x5 C Z255", $response;
		return deny(NOT_ACCEPTED, RLM_REJECT) if $error == NOT_ENROLLED;
		$why = $error == OTHER_STORE ? "$text: correct store_dir in the module pam_totp"
			: $error == OTHER_VERSION ? "totpd is of another version: restart it"
			: $error == TIMED_OUT ? "totpd was too slow: run systemctl status totpd.service"
			: $error == FORBIDDEN ? $text
			: $error ? "totpd answers with error $error: run journalctl -u totpd.service"
			: "";
	}
	if ($why ne "") {
		radiusd::radlog(L_ERR, "pam_totp: all users are denied: $why");
		return deny(NOT_POSSIBLE, RLM_FAIL);
	}
	($verdict, $reason, $seconds) = unpack "x262 C C x32 L>", $response;
	return deny(denied_text($verdict, $reason, $seconds), RLM_REJECT) if $verdict != ALLOW;
	@texts = allowed_texts($reason, $response);
	$RAD_REPLY{"Reply-Message"} = \@texts if @texts;
	return RLM_OK;
}

1;
