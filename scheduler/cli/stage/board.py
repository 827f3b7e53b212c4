"""The hall's screen: what is next, every post, and the keys that act on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import OptionList, Static

from scheduler.cli.stage import drafts as keeping
from scheduler.cli.stage import pulse, telling
from scheduler.cli.stage.ask import Ask, Choose, Late, Page
from scheduler.cli.stage.composer import Composer
from scheduler.cli.stage.drafts import Draft, Drafts
from scheduler.cli.stage.keys import Keys
from scheduler.cli.stage.listing import Listing
from scheduler.cli.stage.pulse import Answer, Sight
from scheduler.cli.stage.telling import Post, steady
from scheduler.cli.words import clean
from scheduler.delivery.acts import Person
from scheduler.desk.hall import Hall

_BREATH = 1.0
_SLOW = timedelta(seconds=5)
"""Past this without news, the screen says how old it is."""
_KEYS = [
    ("f", "Fire", "fire"),
    ("s", "Skip", "skip"),
    ("l", "Late", "late"),
    ("n", "New", "new"),
    ("?", "Help", "help"),
    ("q", "Quit", "leave"),
]
_OFFER = {"go": ("enter", "Go on with it"), "": ("escape", "Later"), "drop": ("d", "Throw it away")}
HELP = f"""\
↑ ↓ k j   choose a post
Enter f   send it now
s         leave it out
l         the hall is late, or early
n         write a post, and send it
q         leave; the desk goes on

A tap chooses a post, a second one asks whether to send it. Pressed twice, each act counts once.

○ planned, or fired by hand
◐ going out, or not sure yet
● published
↻ tried again by itself
▲ held: it waits for you
✕ failed
– left out
◁ taken back
{telling.PICTURE} has a picture

Posts go out as long as julki run runs, whether this screen is open or not."""


class Board(Screen[None]):
    """One event. Looks anew every second, in a thread: nothing of the database ever stops the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "fire", show=False),
        Binding("s", "skip", show=False),
        Binding("l", "late", show=False),
        Binding("n", "new", show=False),
        Binding("question_mark,f1", "help", show=False),
        Binding("q,ctrl+c", "leave", show=False),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]

    def __init__(self, hall: Hall, by: str, drafts: Drafts) -> None:
        super().__init__()
        self._hall, self._by, self._drafts = hall, by, drafts
        self._event = hall.piece.id
        self._sight: Sight | None = None
        self._looking = False
        self._offered = False
        self._fired: set[str] = set()
        """What was fired since the last look began: it is not asked about again."""

    def compose(self) -> ComposeResult:
        yield Static(steady(self._hall.piece.title), markup=False, id="title", classes="title")
        yield Static("", markup=False, id="clock")
        yield Static("", markup=False, id="waits", classes="trouble")
        yield Static("", markup=False, id="alert", classes="trouble")
        yield Static("", markup=False, id="next")
        yield Static("", markup=False, id="text")
        yield Listing()
        yield Static("", markup=False, id="detail")
        yield Static("", markup=False, id="notice")
        yield Keys(_KEYS)

    def on_mount(self) -> None:
        self.query_one(Listing).focus()
        self._tick()
        self.set_interval(_BREATH, self._tick)

    @property
    def _now(self) -> datetime:
        return self._hall.desk.clock()

    def _tick(self) -> None:
        """The clock goes on by what was seen last; a new look begins when the last one came back."""
        self._paint()
        if not self._looking:
            self._looking = True
            self.run_worker(self._look, thread=True, group="look")

    def _look(self) -> None:
        known = set(self._fired)
        sight = pulse.look(self._hall)
        self.app.call_from_thread(self._seen, sight, known)

    def _seen(self, sight: Sight, known: set[str]) -> None:
        self._looking = False
        self._fired -= known
        if sight.program is None and self._sight is not None:
            sight = Sight(self._sight.at, self._sight.program, self._sight.runs, sight.trouble)
        self._sight = sight
        if not self.is_mounted:
            return
        self._show(sight)
        self._paint()
        self._offer()

    def _show(self, sight: Sight) -> None:
        if sight.program is not None:
            self.query_one(Listing).show(telling.posts(sight.program), self._now, self._hall.desk.settings.zone)

    def _paint(self) -> None:
        now, zone = self._now, self._hall.desk.settings.zone
        sight, found = self._sight, self.query_one(Listing).posts
        program = sight.program if sight else None
        clock = f"{now.astimezone(zone):%H:%M:%S} {zone.key}"
        self._put("clock", f"{clock} · {telling.running(program.shift)}" if program else clock)
        self._put("waits", telling.waiting_for_you(found))
        self._put("alert", "\n".join(self._alerts(sight, now)))
        line, text = telling.announced(found, now, zone) if program is not None else ("Looking …", "")
        self._put("next", line)
        self._put("text", text)

    def _alerts(self, sight: Sight | None, now: datetime) -> list[str]:
        if sight is None:
            return []
        told = [clean(sight.trouble)] if sight.trouble else []
        if not told and now - sight.at > _SLOW:
            told.append("The database is busy.")
        if told and sight.program is not None:
            told[-1] += f" Shown is what was so at {sight.at.astimezone(self._hall.desk.settings.zone):%H:%M:%S}."
        if sight.program is not None and not sight.runs:
            told.append(pulse.STOPPED)
        if sight.program is not None:
            told += [clean(one) for one in sight.program.obstacles]
            told.append(telling.sandboxes(sight.program))
        return [one for one in told if one]

    def _put(self, name: str, text: str) -> None:
        """Drawn anew only where it says something else."""
        place = self.query_one(f"#{name}", Static)
        if place.content != text:
            place.update(text)
            place.display = bool(text)

    def on_listing_told(self) -> None:
        self._detail()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_fire()

    def _detail(self) -> None:
        listing = self.query_one(Listing)
        post, up = listing.chosen, telling.next_up(listing.posts)
        text = "" if post is None or (up is not None and up.part == post.part) else steady(post.worst.text)
        self._put("detail", (telling.trouble(post) or text) if post else "")

    def _notice(self, text: str) -> None:
        self._put("notice", clean(text))

    def action_move(self, by: int) -> None:
        listing = self.query_one(Listing)
        (listing.action_cursor_down if by > 0 else listing.action_cursor_up)()

    def action_fire(self) -> None:
        post = self.query_one(Listing).chosen
        if post is None:
            return
        if post.part in self._fired or telling.is_out(post):
            self._notice(f"'{steady(post.label)}' is out already, or on its way.")
            return

        def fire(person: Person, tap: str) -> str:
            told = self._hall.fire(post.part, person, tap)
            self._fired.add(post.part)
            return told

        self._ask(f"Fire '{steady(post.label)}' now?", fire, post)

    def action_skip(self) -> None:
        post = self.query_one(Listing).chosen
        if post is not None:
            question = f"Leave out '{steady(post.label)}'?"
            self._ask(question, lambda person, tap: self._hall.skip(post.part, person, tap), post)

    def action_late(self) -> None:
        self.app.push_screen(Late(), self._ask_late)

    def _ask_late(self, by: timedelta | None) -> None:
        if by:
            question = telling.moved(self.query_one(Listing).posts, by, self._now, self._hall.desk.settings.zone)
            seen = self._sight.program.shift if self._sight and self._sight.program else None
            self._ask(question, lambda person, tap: self._hall.late(by, person, tap, seen))

    def _ask(self, question: str, act: Callable[[Person, str], str], post: Post | None = None) -> None:
        def do(tap: str) -> Answer:
            return pulse.attempt(self._hall, lambda: act(Person(self._by, self._now), tap))

        text = steady(post.worst.text) if post else ""
        self.app.push_screen(Ask(f"{question}\n\n{text}".strip(), do), self._answered)

    def _answered(self, answer: Answer | None) -> None:
        if answer is not None:
            self._notice(answer.told)
            self._tick()

    def action_new(self) -> None:
        kept = self._kept()
        self._compose_post(kept or keeping.fresh(self._event, self._by))

    def _compose_post(self, draft: Draft) -> None:
        self.app.push_screen(Composer(self._hall, draft, self._drafts), self._answered)

    def _kept(self) -> Draft | None:
        """The newest draft that was not sent. What has gone out under its name already is dropped."""
        sent = {post.part for post in self.query_one(Listing).posts}
        for draft in self._drafts.of(self._event, self._by):
            if draft.tap not in sent:
                return draft
            self._drafts.drop(draft)
        return None

    def _offer(self) -> None:
        """Once, when the posts are known: what a lost connection left behind."""
        if self._offered or self._sight is None or self._sight.program is None:
            return
        self._offered = True
        if (draft := self._kept()) is not None and self.app.screen is self:
            text = f"A post was written and not sent:\n\n{steady(draft.text)[:200]}"
            self.app.push_screen(Choose(text, _OFFER), lambda word: self._offer_answered(word, draft))

    def _offer_answered(self, word: str | None, draft: Draft) -> None:
        if word == "go":
            self._compose_post(draft)
        elif word == "drop":
            self._drafts.drop(draft)

    def action_help(self) -> None:
        self.app.push_screen(Page(HELP))

    def action_leave(self) -> None:
        self.app.exit()
