"""The command `nolapse`. Each command's module is imported only when it is used."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from core.process import collect_less

COMMANDS = {
    "check": ("cli.check", "Whether everything that is set can be used."),
    "confirm": ("cli.ledger", "Note that an order has been renewed, reissued or installed."),
    "consent": ("cli.consent", "Note on what basis people may be sold to, and show what countries ask for."),
    "coverage": ("cli.coverage", "List the orders that nobody can be told about, and why."),
    "deliveries": ("cli.deliveries", "List what leaves the house, and settle what is uncertain."),
    "deliver": ("cli.steps", "Send what is due."),
    "demo": ("cli.demo", "Play a sample portfolio through 120 days."),
    "explain": ("cli.explain", "Tell what happened, or will, at each touchpoint of an order."),
    "forget": ("cli.people", "Take a person out of everything, for good."),
    "go-live": ("cli.steering", "Set the first day on which anything is sent, for a pilot or everybody."),
    "hold": ("cli.steering", "Leave an order or an account alone until a date."),
    "inbox": ("cli.inbox", "List what came in by the web app, and decide on what is in quarantine."),
    "link": ("cli.link", "Settle which companies of the CRM are which of our accounts."),
    "locks": ("cli.locks", "List who works on which step, and release one that was abandoned."),
    "migrate": ("cli.store", "Bring the database to the state the program needs."),
    "pause": ("cli.steering", "Stop everything, an account, a rep or a channel, at once."),
    "plan": ("cli.steps", "Decide what is due, or preview a span of days."),
    "preview": ("cli.preview", "Show every message on one page, or send it as a test."),
    "purge": ("cli.people", "Let go of what need not be kept any longer."),
    "reassign": ("cli.interventions", "Give accounts to another rep."),
    "reopen": ("cli.ledger", "Undo a mistaken confirmation."),
    "report": ("cli.report", "Expiring orders, figures of a span, the year ahead, the day's summary."),
    "resume": ("cli.steering", "End a pause."),
    "run": ("cli.steps", "Sync, settle, plan and deliver, once each."),
    "send-now": ("cli.interventions", "Send the mail about an order at once."),
    "serve": ("cli.serve", "Do the four steps on the schedule of the settings, until a signal."),
    "settle": ("cli.steps", "Apply confirmations and what follows from them."),
    "setup": ("cli.setup", "Make in the CRM what is missing there, or take it away again."),
    "show": ("cli.show", "Show all about a domain, an order, an account or a person."),
    "simulate": ("cli.simulate", "Count the mails and calls of the coming year, under coming limits too."),
    "subject": ("cli.people", "Export everything that is held of a person."),
    "suppress": ("cli.suppress", "Never write to an address again, or call it."),
    "sync": ("cli.steps", "Take in orders, people and changes."),
    "tasks": ("cli.tasks", "List the reps' tasks, and say what came of them."),
    "validity": ("cli.validity", "Work out how long a renewed order runs."),
    "withdraw": ("cli.interventions", "Take back what waits to be sent."),
}


class LazyGroup(click.Group):
    """Knows its commands by name, and imports the module of the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name.replace("-", "_"))
        if not isinstance(found, click.Command):
            raise TypeError(f"{cmd_name} is no command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(), metavar="FILE", help="The settings file. [default: ./nolapse.toml]")
@click.option("--debug", is_flag=True, help="Show where an error came from.")
@click.version_option(package_name="nolapse")
@click.pass_context
def nolapse(ctx: click.Context, config: str | None, debug: bool) -> None:
    """Keep certificates from lapsing: the right call, mail or message at the right time."""
    ctx.obj = {"config": config, "debug": debug}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command and ends the process: 0 done, 1 a run with failures, 2 wrong usage or settings."""
    collect_less()
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        code: Any = nolapse.main(list(arguments), prog_name="nolapse", standalone_mode=False)
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.Abort:
        code = 130
    except click.ClickException as error:
        if debug:
            raise
        click.echo(f"nolapse: {_one_line(error.format_message())}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        code = 1
    except Exception as error:
        if debug:
            raise
        code = _tell(error)
    sys.exit(code if isinstance(code, int) else 0)


def _tell(error: Exception) -> int:
    """One line for anything that went wrong; the whole story only with --debug."""
    from core.errors import ConfigurationError, NolapseError, UsageError

    if isinstance(error, NolapseError):
        click.echo(f"nolapse: {_one_line(str(error))}", err=True)
        return 2 if isinstance(error, UsageError | ConfigurationError) else 1
    click.echo(
        f"nolapse: something unforeseen went wrong ({type(error).__name__}); run it again with --debug to see where",
        err=True,
    )
    return 1


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 500 else f"{line[:500]}…"


if __name__ == "__main__":
    main()
