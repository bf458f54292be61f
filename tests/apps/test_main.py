"""The exit status of `vidprop`, and that a command is imported only when it is run."""

import subprocess
import sys
from types import ModuleType

import pytest

from vidprop.apps import main
from vidprop.errors import InputError, Interrupted

CASES = {
    "done": (None, 0, ""),
    "our error, in one line": (
        InputError("size must be odd,\n got 4"),
        1,
        "size must be odd, got 4",
    ),
    "stopped by us": (Interrupted("stopped at frame 3"), 130, "vidprop: stopped at frame 3"),
    "stopped from outside": (KeyboardInterrupt(), 130, ""),
}


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A command that does what a test tells it to."""
    module = ModuleType("vidprop.apps.probe")
    monkeypatch.setitem(sys.modules, "vidprop.apps.probe", module)
    monkeypatch.setitem(main.COMMANDS, "probe", main.Row("Try things.", ("--many",)))
    return module


@pytest.mark.parametrize("case", CASES)
def test_exit_status(case: str, probe: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    error, status, text = CASES[case]

    def command() -> None:
        if error is not None:
            raise error

    probe.command = command  # type: ignore[attr-defined]
    assert main.run(["probe"]) == status
    told = capsys.readouterr().err
    assert text in told
    assert told.count("\n") <= 1


@pytest.mark.parametrize("arguments", [["nonsense"], ["doctor", "--nonsense"], []])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(arguments) == 2
    told = capsys.readouterr()
    assert "doctor" in told.err + told.out or "nonsense" in told.err


def test_an_option_takes_every_value_up_to_the_next(probe: ModuleType) -> None:
    got: list[str] = []

    def command(many: list[str], other: str = "") -> None:
        got.extend([*many, other])

    import typer

    command.__annotations__["many"] = list[str]
    command.__defaults__ = (typer.Option(), "")
    probe.command = command  # type: ignore[attr-defined]
    assert main.run(["probe", "--many", "a", "b", "--other", "c"]) == 0
    assert got == ["a", "b", "c"]


def test_the_list_of_commands_imports_none_of_them() -> None:
    code = (
        "import sys\nfrom vidprop.apps.main import run\nassert run(['--help']) == 0\n"
        "assert not {'torch', 'cv2', 'numba'} & set(sys.modules), 'slow help'"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "colorize" in told.stdout


@pytest.mark.parametrize("name", sorted(main.COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([name, "--help"]) == 0
    assert name in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.strip().count(".") == 2
