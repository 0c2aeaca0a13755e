"""What the commands that are written in Python share: how they read arguments, and how they end."""

import argparse
import os
import signal
import sys
import traceback

LIMIT = 1_000_000  # of a number that is asked for
# Python dies of one that comes while it starts, and would then say 1: that something is wrong. Commands start it with
# these blocked.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotWork(Exception):
    """Why the command cannot do its work, and what to do."""


class Stopped(CannotWork):
    """A signal came first."""


class _Parser(argparse.ArgumentParser):
    def print_help(self, file=None):
        """argparse ignores it when the help cannot be written."""
        (file or sys.stdout).write(self.format_help())


def parser(name, description):
    return _Parser(prog=name, description=description, allow_abbrev=False,
                   formatter_class=argparse.RawDescriptionHelpFormatter)


def positive(kind):
    """For argparse: a number above 0, of what is asked for."""
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < LIMIT:
            number = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"{text} is no positive {number} below {LIMIT:,}")
        return value
    return parse


def add_length(parser, what):
    """Of a campaign, in minutes or hours; seconds_of() says it."""
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", metavar="N", type=positive(float), help=what)
    length.add_argument("--hours", metavar="N", type=positive(float), help="the same in hours: --hours 8 for a night")


def seconds_of(arguments):
    """None if no length is said."""
    return 3600 * arguments.hours if arguments.hours else 60 * arguments.minutes if arguments.minutes else None


def _open_what_is_closed():
    """A file that is opened gets the first free number, and what is printed would be written into it if that were the
    number of standard output. Returns whether standard output is open."""
    heard = sys.stdout is not None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))
    return heard


def _hear_signals():
    """Each ends main(), unless the command deals with it by itself, or was started to ignore it as nohup does."""
    for number in ENDING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def _code_of(main):
    try:
        return main()
    except SystemExit as end:  # argparse has said what there is to say
        return end.code


def run(main, name):
    """The exit code of main(). If it could not do its work, or not write its output, the reason goes to stderr and the
    code is 2."""
    if not _open_what_is_closed():
        print(f"{name}: what there is to say could not be written: standard output is closed", file=sys.stderr)
        return 2
    try:
        try:
            _hear_signals()
            code = _code_of(main)
            sys.stdout.flush()
            return code
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # nothing is left to be ended
    except CannotWork as error:
        reason = str(error)
    except KeyboardInterrupt:
        reason = "stopped by a signal before its work was done"
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
        try:
            sys.stdout.flush()
        except OSError:
            # Otherwise the interpreter would try again at exit, and change the exit code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            reason = f"what there was to say could not be written: {error.strerror}"
    except Exception:  # a mistake in the command: 1 would be said of what it looked at
        traceback.print_exc()
        reason = "it went wrong by itself (above); nothing is said of what it was to look at"
    print(f"{name}: {reason}", file=sys.stderr)
    return 2
