"""Who is who: the people of `config/team.toml`, by whatever name they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from unicodedata import category, normalize

from scheduler.calendar.finding import shortened
from scheduler.delivery.acts import Refused
from scheduler.people import Author

Team = Mapping[str, Author]
_MOST_NAMES = 12


def fold(text: str) -> str:
    """The same for all ways of writing one name: by case, by spaces, by signs that nobody sees, by how letters are put
    together (Unicode Standard Annex 15, NFKC)."""
    seen = "".join(sign for sign in normalize("NFKC", text) if category(sign) != "Cf")
    return " ".join(normalize("NFKC", seen.casefold()).split())


def called(team: Team, told: str) -> list[str]:
    """The keys of everybody who goes by that: key, name, first name, last name or mail address."""
    return [key for key, author in team.items() if fold(told) in _names(key, author.email, author.name)]


def named(team: Team, told: str) -> str:
    """The full name of the one person who is meant; where nobody is listed, `told` as it is. Raises `Refused`."""
    if not fold(told):
        raise Refused("Say who decides this: --by NAME")
    if not team:
        return told.strip()
    keys = called(team, told)
    if len(keys) == 1:
        return team[keys[0]].name
    who = f"'{shortened(told)}'"
    if keys:
        several = " or ".join(f"{team[key].name} ({key})" for key in keys)
        raise Refused(f"{who} may be {several}. Give the whole name, or the mail address: --by NAME")
    raise Refused(
        f"There is nobody called {who} in config/team.toml, but {_listed(team)}. Say which of them decides this: --by "
        "NAME. Whoever is not among them has to be added there first."
    )


def wrote(team: Team, told: str, authors: Sequence[str]) -> bool:
    """Whether `told` is one of the authors. One person may be in the team twice, told by the same name or address."""
    if not team:
        return any(fold(told) in _names(author) or fold(author) in _names(told) for author in authors)
    own = {face for author in authors for key in called(team, author) for face in _faces(team[key])}
    return any(face in own for key in called(team, told) for face in _faces(team[key]))


def _names(*told: str) -> set[str]:
    """Each, and the first and the last word of the last."""
    words = told[-1].split()
    return {fold(name) for name in (*told, *words[:1], *words[-1:])} - {""}


def _faces(author: Author) -> set[str]:
    return {fold(author.name), fold(author.email)} - {""}


def _listed(team: Team) -> str:
    names: Iterable[str] = sorted({author.name for author in team.values()})
    shown = list(names)[:_MOST_NAMES]
    more = len(team) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
