"""The emoji sequences that X counts as one sign: those of Unicode Emoji 11, as its official counter knows them.

Single emoji are not here: by themselves they weigh as much as any sign outside of the light scripts. What came after
2018 is measured sign by sign, as the official counter does it.
"""

from __future__ import annotations

import regex

_JOIN = "\u200d"
_FULL = "\ufe0f"
_SKIN = "[🏻-🏿]"
# `Emoji_Modifier_Base` of Unicode 11, and the skier; the first row has a plain form, which a selector makes an emoji.
_HUMAN_SIGNS = f"[🏋🏌🕴🕵🖐☝⛷⛹✌✍]{_FULL}?"
_HUMANS = (
    "[✊✋🎅🏂-🏄🏇🏊👂👃👆-👐👦-👩👮👰-👸👼💁-💃💅-💇💪🕺🖕🖖🙅-🙇🙋-🙏🚣🚴-🚶🛀🛌🤘-🤜🤞🤟🤦🤰-🤹🤽🤾🦵🦶🦸🦹🧑-🧝]"
)
_DOERS = "[🏃🏄🏊👮👱👳👷💁💂💆💇🙅-🙇🙋🙍🙎🚣🚴-🚶🤦🤵🤷-🤹🤽🤾🦸🦹🧖-🧝]"
_TOOLS = "[🌾🍳🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦰-🦳]"
_CHILDREN = f"(?:👧{_JOIN}[👦👧]|👦{_JOIN}👦|[👦👧])"
_LOVE = f"{_JOIN}❤{_FULL}{_JOIN}(?:💋{_JOIN})?"

# What a selector makes a picture: signs with a plain form, in `emoji-variation-sequences.txt` of that time.
_SIGNS = (
    "©®‼⁉™ℹ↔-↙↩↪⌚⌛⌨⏏⏭-⏯⏱⏲⏸-⏺Ⓜ▪▫▶◀◻-◾☀-☄☎☑☔☕☘☠☢☣☦☪☮☯☸-☺♀♂♈-♓♟♠♣♥♦♨♻♿⚒-⚗⚙⚛⚜⚠⚡⚪⚫⚰⚱⚽⚾⛄⛅⛈⛏⛑⛓⛔⛩⛪⛰-⛵⛸⛺⛽✂"
    "✈✉✏✒✔✖✝✡✳✴❄❇❗❣❤➡⤴⤵⬅-⬇⬛⬜⭐⭕〰〽㊗㊙🀄🅰🅱🅾🅿🈂🈚🈯🈷🌡🌤-🌬🌶🍽🎖🎗🎙-🎛🎞🎟🏍🏎🏔-🏟🏳🏵🏷🐿👁📽🕉🕊🕯🕰🕳🕶-🕹🖇🖊-🖍🖥🖨🖱🖲🖼🗂-🗄"
    "🗑-🗓🗜-🗞🗡🗣🗨🗯🗳🗺🛋🛍-🛏🛠-🛥🛩🛰🛳"
)
# The flags, as pairs of letters; each row begins with the letter that its pairs begin with.
_COUNTRIES = (
    "acdefgilmoqrstuwxz babdefghijlmnoqrstvwyz cacdfghiklmnopruvwxyz degjkmoz eaceghrstu fijkmor gabdefghilmnpqrstuwy "
    "hkmnrtu icdelmnoqrst jemop keghimnprwyz labcikrstuvy macdefghklmnopqrstuvwxyz nacefgilopruz om paefghklmnrstwy qa "
    "reosuw sabcdeghijklmnorstvxyz tacdfghjklmnortvwz uagmnsyz vaceginu wfs xk yet zamw"
)


def _letter(char: str) -> str:
    return chr(0x1F1E6 + ord(char) - ord("a"))


def _flags() -> str:
    rows = (f"{_letter(row[0])}[{''.join(map(_letter, row[1:]))}]" for row in _COUNTRIES.split())
    return "|".join(rows)


def _regions() -> str:
    """England, Scotland and Wales: a black flag, and the code in invisible letters."""
    codes = ("".join(chr(0xE0000 + ord(char)) for char in code) for code in ("gbeng", "gbsct", "gbwls"))
    return "|".join(f"🏴{code}\U000e007f" for code in codes)


SEQUENCE = regex.compile(
    rf"""(?x)
    [👨👩]{_SKIN}?{_JOIN}(?:[⚕⚖✈]{_FULL}|{_TOOLS})
    | [🏋🏌🕴🕵⛹](?:{_SKIN}|{_FULL}){_JOIN}[♀♂]{_FULL}
    | (?:{_DOERS}{_SKIN}?|[👯🤼🧞🧟]){_JOIN}[♀♂]{_FULL}
    | 👩{_LOVE}[👨👩] | 👨{_LOVE}👨
    | (?:👨{_JOIN}[👨👩]|👩{_JOIN}👩|[👨👩]){_JOIN}{_CHILDREN}
    | 🏳{_FULL}{_JOIN}🌈 | 🏴{_JOIN}☠{_FULL} | 👁{_JOIN}🗨
    | [\#*0-9]{_FULL}?\u20e3
    | {_HUMAN_SIGNS}{_SKIN} | {_HUMANS}{_SKIN} | [🏋🏌🕴🕵🖐☝⛷⛹✌✍{_SIGNS}]{_FULL}
    | {_regions()} | {_flags()}
    """
)
"""One sequence. Text in front of it does not matter, except where sequences overlap: the leftmost counts."""
