"""Pictures and videos on their way to X: what arrives there, what never does, and what becomes of a post when it fails."""

from __future__ import annotations

import random
import struct
import threading
import zlib
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from channels.contract import Channel
from channels.errors import ChannelError, RateLimited, Rejected, Unauthorized, Unavailable
from channels.message import Media, Message
from channels.testing import open_channel
from channels.x import film, gif, photo
from channels.x.media import CHUNK
from tests.mocks.x.server import MockX
from tests.mocks.x.world import Processing

SECRET = "Kamera-Oy-7731"
"""Stands for everything that a file may hold beside the picture."""
SIZE = (64, 48)


@pytest.fixture
def x() -> Iterator[MockX]:
    with MockX() as server:
        yield server
        assert server.violations == []


def live(x: MockX, tmp_path: Path, **options: Any) -> Channel:
    return open_channel("x", tmp_path, sandbox=False, api_url=x.url, **options)


def kept(tmp_path: Path, content: bytes, suffix: str, alt: str = "Täysi sali", src: str = "") -> Media:
    """A file as the desk keeps it from the claim on."""
    digest = sha256(content).hexdigest()
    folder = tmp_path / "var" / "media"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / (digest + suffix)).write_bytes(content)
    return Media(digest, suffix, alt, src or f"kuva{suffix}")


def post(*media: Media, text: str = "Päivän satoa") -> Message:
    return Message("x", "fi/a", text=text, media=media, data={"reply": False})


def saved(image: Image.Image, format_: str, **how: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=format_, **how)
    return buffer.getvalue()


def shades(size: tuple[int, int] = SIZE, mode: str = "RGB") -> Image.Image:
    """A picture whose corners can be told apart: red, green, blue, white from the upper left, row by row."""
    image = Image.new("RGB", size)
    half = (size[0] // 2, size[1] // 2)
    for index, colour in enumerate(("#ff0000", "#00ff00", "#0000ff", "#ffffff")):
        image.paste(colour, (index % 2 * half[0], index // 2 * half[1], size[0], size[1]))
    return image.convert(mode)


def noise(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    return Image.frombytes(mode, size, random.Random(7).randbytes(size[0] * size[1] * len(mode)))


def opened(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def corner(image: Image.Image) -> str:
    """The colour of the upper left corner, roughly."""
    red, green, blue = image.convert("RGB").getpixel((3, 3))  # type: ignore[misc] # of an RGB picture it is three numbers
    return "".join(name for name, value in zip("rgb", (red, green, blue), strict=True) if value > 128)


# What arrives


def test_four_photos_go_out_described(x: MockX, tmp_path: Path) -> None:
    contents = [saved(Image.new("RGB", SIZE, (shade, 9, 9)), "JPEG") for shade in (0, 80, 160, 240)]
    media = [kept(tmp_path, content, ".jpg", f"Kuva {n}") for n, content in enumerate(contents)]
    receipt = live(x, tmp_path).publish(post(*media), "k", None)
    (out,) = x.ledger.live()
    assert receipt.remote_id == out.id
    assert [x.ledger.alt[one] for one in out.media_ids] == ["Kuva 0", "Kuva 1", "Kuva 2", "Kuva 3"]
    assert {x.ledger.uploads[one].category for one in out.media_ids} == {"tweet_image"}


def test_a_video_goes_out_piece_by_piece_when_x_has_looked_through_it(x: MockX, tmp_path: Path) -> None:
    content = video(2 * CHUNK)
    live(x, tmp_path).publish(post(kept(tmp_path, content, ".mp4", "Puhe kuvattuna")), "k", None)
    (out,) = x.ledger.live()
    upload = x.ledger.uploads[out.media_ids[0]]
    assert (upload.content, upload.category) == (content, "tweet_video")
    assert [len(part) for _, part in sorted(upload.segments.items())] == [CHUNK, CHUNK, len(content) - 2 * CHUNK]
    assert (upload.polls, x.ledger.alt[upload.id]) == (2, "Puhe kuvattuna")


def test_a_video_does_not_say_where_it_was_made(x: MockX, tmp_path: Path) -> None:
    place = b"+60.1708+024.9375/"
    notes = box(b"udta", box(b"\xa9xyz", place)) + box(b"meta", SECRET.encode() * 50) + box(b"uuid", SECRET.encode())
    content = video(500, notes=notes)
    live(x, tmp_path).publish(post(kept(tmp_path, content, ".mov")), "k", None)
    received = x.ledger.media[x.ledger.live()[0].media_ids[0]]
    assert SECRET.encode() not in received
    assert place not in received
    blank = b"".join(box(b"free", bytes(size)) for size in (26, len(SECRET) * 50, len(SECRET)))
    assert received == content.replace(notes, blank)


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 400), notes=st.lists(st.sampled_from([b"udta", b"meta", b"uuid"]), max_size=3))
def test_a_video_is_blanked_wherever_it_is_cut(size: int, notes: list[bytes]) -> None:
    content = video(notes=b"".join(box(name, b"x" * 30) for name in notes))
    file = BytesIO(content)
    found = film.read(file, len(content))
    expected = content
    for name in notes:
        expected = expected.replace(box(name, b"x" * 30), box(b"free", bytes(30)))
    assert b"".join(film.chunks(file, found, size)) == expected
    assert found.seconds == 12


@pytest.mark.parametrize("size", [0, 1])
def test_a_large_video_tells_its_length_otherwise(size: int) -> None:
    """By 64 bits, or by the end of the file."""
    content = VIDEO[: VIDEO.index(b"mdat") - 4] + struct.pack(">I4sQ", size, b"mdat", 16 + 50) + bytes(50)
    assert film.read(BytesIO(content), len(content)) == film.Film(12, ())


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_is_in_a_video_it_is_one_or_it_is_refused(data: st.DataObject) -> None:
    content = bytearray(video(notes=box(b"udta", b"abc")))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = BytesIO(bytes(content))
    try:
        found = film.read(file, len(content))
    except film.BrokenFilm:
        return
    assert len(b"".join(film.chunks(file, found, 37))) == len(content)


def test_a_gif_that_moves_keeps_its_frames_and_loses_its_comments(x: MockX, tmp_path: Path) -> None:
    content = moving_gif(comment=SECRET.encode())
    assert SECRET.encode() in content
    live(x, tmp_path).publish(post(kept(tmp_path, content, ".gif")), "k", None)
    (out,) = x.ledger.live()
    upload = x.ledger.uploads[out.media_ids[0]]
    assert upload.category == "tweet_gif"
    assert SECRET.encode() not in upload.content
    assert frames(upload.content) == frames(content)
    assert opened(upload.content).info["loop"] == 0


def test_each_attempt_uploads_anew(x: MockX, tmp_path: Path) -> None:
    channel, message = live(x, tmp_path), post(kept(tmp_path, saved(shades(), "PNG"), ".png"))
    x.fail_next((429, {}, {"title": "Too Many Requests"}))
    with pytest.raises(RateLimited):
        channel.publish(message, "k", None)
    channel.publish(message, "k", None)
    assert len(x.ledger.uploads) == 2
    assert len(x.ledger.live()) == 1


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def video(size: int = 100, seconds: float = 12, *, notes: bytes = b"", version: int = 0) -> bytes:
    """The wrapping of a film around noise; `notes` is what stands beside it."""
    time = struct.pack(">B3xQQIQ" if version else ">B3xIIII", version, 0, 0, 1000, int(seconds * 1000))
    trak = box(b"trak", box(b"tkhd", bytes(20)) + notes + box(b"mdia", bytes(30)))
    moov = box(b"moov", box(b"mvhd", time + bytes(80)) + trak + notes)
    return box(b"ftyp", b"mp42") + moov + notes + box(b"mdat", random.Random(1).randbytes(size))


def nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = box(b"moov", box(b"trak", content))
    return content


VIDEO = video()


def moving_gif(size: tuple[int, int] = SIZE, **how: Any) -> bytes:
    more = [Image.new("P", size, n) for n in (90, 180)]
    return saved(shades(size).convert("P"), "GIF", save_all=True, append_images=more, duration=100, loop=0, **how)


def frames(content: bytes) -> list[bytes]:
    image, found = opened(content), []
    for index in range(image.n_frames):  # type: ignore[attr-defined] # of a GIF
        image.seek(index)
        found.append(image.convert("RGB").tobytes())
    return found


# What never does


@st.composite
def talkative(draw: st.DrawFn) -> tuple[bytes, str]:
    """A picture that says more than it shows, and its suffix."""
    format_ = draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "MPO"]))
    mode = draw(
        st.sampled_from({"PNG": ["RGB", "RGBA", "P", "L", "LA"], "JPEG": ["RGB", "L", "CMYK"]}.get(format_, ["RGB"]))
    )
    image = shades(mode=mode) if mode != "P" else shades().convert("P")
    exif = Image.Exif()
    exif[0x010F] = exif[0x0131] = exif[0x013B] = SECRET
    exif[0x0112] = draw(st.integers(0, 9))
    exif.get_ifd(0x8825).update({1: "N", 2: (60.0, 10.0, 15.0), 3: "E", 4: (24.0, 56.0, 15.0), 29: SECRET})
    exif.get_ifd(0x8769).update({0x9286: SECRET.encode()})
    xmp = f'<?xpacket begin="" id="W5M0"?><x:xmpmeta><dc:creator>{SECRET}</dc:creator></x:xmpmeta>'.encode()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    how: dict[str, Any] = {"exif": exif, "xmp": xmp}
    if draw(st.booleans()):
        how["icc_profile"] = draw(st.sampled_from([profile, profile[:200], SECRET.encode()]))
    if format_ == "PNG":
        how["pnginfo"] = PngInfo()
        how["pnginfo"].add_text("Author", SECRET)
        how["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=draw(st.booleans()))
    if format_ == "MPO":
        how |= {"save_all": True, "append_images": [image]}
    if format_ in ("GIF", "JPEG"):
        how["comment"] = SECRET.encode()
    content = saved(image, format_, **how)
    trailing = SECRET.encode() if draw(st.booleans()) else b""
    return content + trailing, {"MPO": ".jpg", "JPEG": ".jpg"}.get(format_, f".{format_.lower()}")


_MARKS = (
    SECRET.encode(),
    b"Exif",
    b"xpacket",
    b"xmpmeta",
    b"Photoshop",
    b"ICC_PROFILE",
    b"iCCP",
    b"eXIf",
    b"tEXt",
    b"iTXt",
    b"zTXt",
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=talkative())
def test_nothing_arrives_but_what_is_to_be_seen(told: tuple[bytes, str], x: MockX, tmp_path: Path) -> None:
    x.refuses_duplicates = False
    content, suffix = told
    assert any(mark in content for mark in _MARKS)
    live(x, tmp_path).publish(post(kept(tmp_path, content, suffix)), "k", None)
    received = x.ledger.media[x.ledger.live()[-1].media_ids[0]]
    assert not [mark for mark in _MARKS if mark in received]
    image = opened(received)
    assert not image.getexif()
    assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}


@settings(max_examples=40, deadline=None)
@given(comment=st.binary(max_size=600), xmp=st.binary(max_size=300), after=st.binary(max_size=50))
def test_a_gif_is_stripped_of_every_extension_that_does_not_show(comment: bytes, xmp: bytes, after: bytes) -> None:
    plain = moving_gif()
    extra = (
        b"\x21\xfe" + sub_blocks(comment) + b"\x21\xff\x0bXMP DataXMP" + sub_blocks(xmp) + b"\x21\x01" + sub_blocks(xmp)
    )
    # Behind the header and the table of colours.
    at = 13 + 3 * (2 << (plain[10] & 7))
    found = gif.read(plain[:at] + extra + plain[at:] + after)
    assert found.data == gif.read(plain).data
    assert (found.width, found.height) == SIZE


def sub_blocks(content: bytes) -> bytes:
    parts = [content[at : at + 255] for at in range(0, len(content), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\x00"


# How it looks


@pytest.mark.parametrize(
    ("turn", "expected"), [(1, "r"), (2, "g"), (3, "rgb"), (4, "b"), (5, "r"), (6, "b"), (7, "rgb"), (8, "g")]
)
def test_a_picture_stands_upright(turn: int, expected: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    found = opened(photo.prepare(saved(shades(), "JPEG", exif=exif), "kuva.jpg").data)
    assert corner(found) == expected
    assert found.size == (SIZE if turn < 5 else SIZE[::-1])


def test_what_is_transparent_stays_so() -> None:
    image = shades(mode="RGBA")
    image.putpixel((0, 0), (1, 2, 3, 0))
    for format_ in ("PNG", "WEBP"):
        found = photo.prepare(saved(image, format_, lossless=True), "kuva")
        assert found.media_type == "image/png"
        assert opened(found.data).getpixel((0, 0))[3] == 0  # type: ignore[index] # of an RGBA picture it is four numbers


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (saved(shades(), "JPEG"), "image/jpeg"),
        (saved(shades(), "PNG"), "image/png"),
        (saved(shades(mode="RGBA"), "WEBP"), "image/jpeg"),
        (saved(shades().convert("P"), "GIF"), "image/png"),
        (saved(noise((200, 200)), "PNG"), "image/jpeg"),
        (saved(noise((200, 200), "RGBA"), "PNG"), "image/png"),
    ],
)
def test_a_picture_becomes_as_small_as_x_wants_it(content: bytes, media_type: str) -> None:
    found = photo.prepare(content, "kuva", most=30_000)
    assert found.media_type == media_type
    assert len(found.data) <= 30_000
    assert found == photo.prepare(content, "kuva", most=30_000)


def test_a_wide_picture_becomes_narrower() -> None:
    found = photo.prepare(saved(Image.new("RGB", (9000, 90)), "JPEG"), "kuva")
    assert opened(found.data).size == (4096, 41)


def test_colours_stay_what_they_were() -> None:
    grey = Image.new("I;16", SIZE, 0x8000)
    value = opened(photo.prepare(saved(grey, "PNG"), "kuva").data).convert("L").getpixel((0, 0))
    assert value == pytest.approx(0x80, abs=2)
    for mode in ("CMYK", "L", "RGB"):
        colour = Image.new("RGB", SIZE, (200, 200, 200)).convert(mode)
        found = opened(photo.prepare(saved(colour, "JPEG", quality=95), "kuva").data).convert("L").getpixel((5, 5))
        assert found == pytest.approx(200, abs=4)


def test_a_picture_in_other_colours_is_brought_to_those_of_screens() -> None:
    """In this profile what is called red is blue, and the other way round."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    for format_ in ("JPEG", "PNG", "WEBP"):
        found = photo.prepare(saved(shades(), format_, icc_profile=swapped), "kuva")
        assert corner(opened(found.data)) == "b"


# What is refused


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is that large, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


JPEG = saved(noise((100, 100)), "JPEG")
REFUSED = [
    (JPEG[: len(JPEG) // 2], ".jpg", "damaged"),
    (b"", ".jpg", "is not a JPEG"),
    (b"Just words.", ".png", "is not a JPEG"),
    (VIDEO, ".jpg", "is not a JPEG"),
    (bomb(60_000, 60_000), ".png", "million pixels"),
    (bomb(9_000, 9_000), ".png", "million pixels"),
    (bomb(500, 500), ".png", "damaged"),
    (moving_gif()[:-30], ".gif", "damaged"),
    (moving_gif((1281, 20)), ".gif", "1281 × 20 pixels"),
    (saved(shades(), "BMP"), ".png", "is not a JPEG"),
    (JPEG, ".mp4", "is not an MP4"),
    (b"", ".mov", "is not an MP4"),
    (VIDEO[:-1], ".mp4", "a part of it is missing"),
    (VIDEO[: VIDEO.index(b"mdat") - 4], ".mp4", "a part of it is missing"),
    (box(b"ftyp", b"mp42") + box(b"mdat"), ".mov", "a part of it is missing"),
    (nested(3000), ".mp4", "a part of it is missing"),
    (box(b"free") * 10_001 + VIDEO, ".mov", "is not an MP4"),
    (video(seconds=141), ".mp4", "lasts 141 seconds; X takes 140"),
    (video(seconds=5000, version=1), ".mov", "lasts 5000 seconds"),
]


@pytest.mark.parametrize(("content", "suffix", "told"), REFUSED)
def test_a_hostile_file_is_refused_by_its_name_and_nothing_goes_out(
    x: MockX, tmp_path: Path, content: bytes, suffix: str, told: str
) -> None:
    media = kept(tmp_path, content, suffix, src=f"sali{suffix}")
    with pytest.raises(Rejected, match=told) as caught:
        live(x, tmp_path).publish(post(media), "k", None)
    assert f"sali{suffix}" in str(caught.value)
    assert caught.value.hint
    assert x.ledger.requests == []


def test_files_that_are_too_large_are_refused(tmp_path: Path, x: MockX, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo, "GIF_BYTES", 100)
    huge = kept(tmp_path, VIDEO, ".mp4")
    with (tmp_path / "var/media" / huge.name).open("r+b") as file:
        file.truncate(512_000_001)
    photograph = kept(tmp_path, JPEG[:-1], ".jpg")
    with (tmp_path / "var/media" / photograph.name).open("r+b") as file:
        file.truncate(photo.MOST_READ + 1)
    for media, told in ((huge, "512 MB"), (photograph, "40 MB"), (kept(tmp_path, moving_gif(), ".gif"), "15 MB")):
        with pytest.raises(Rejected, match=told):
            live(x, tmp_path).publish(post(media), "k", None)
    assert x.ledger.requests == []


@settings(max_examples=150, deadline=None)
@given(data=st.data(), format_=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "moving"]))
def test_whatever_is_in_the_file_it_is_a_picture_or_it_is_refused(data: st.DataObject, format_: str) -> None:
    content = bytearray(moving_gif() if format_ == "moving" else saved(shades(), format_))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    whole = bytes(content[:cut] if data.draw(st.booleans()) else content)
    try:
        found = photo.prepare(whole, "kuva.jpg")
    except photo.BadPicture:
        return
    # What moves is looked at for its structure alone: frame by frame it is X's to judge.
    assert gif.read(found.data).frames > 1 if found.moves else opened(found.data).width


@pytest.mark.parametrize(
    "suffixes", [[".png"] * 5, [".gif", ".png"], [".gif", ".gif"], [".mp4", ".png"], [".mp4", ".mov"]]
)
def test_photos_films_and_gifs_are_not_mixed(x: MockX, tmp_path: Path, suffixes: list[str]) -> None:
    contents = {".png": saved(shades(), "PNG"), ".gif": moving_gif()}
    media = [kept(tmp_path, contents.get(one, VIDEO), one) for one in suffixes]
    with pytest.raises(Rejected, match="up to 4 photos, or one moving GIF, or one video"):
        live(x, tmp_path).publish(post(*media), "k", None)
    assert x.ledger.requests == []


@pytest.mark.parametrize("alt", ["", "  ", "a" * 1001])
def test_no_picture_without_a_fitting_description(x: MockX, tmp_path: Path, alt: str) -> None:
    sound = kept(tmp_path, JPEG, ".jpg")
    with pytest.raises(Rejected, match=r"lava\.png.*alternative text|alternative text of lava\.png"):
        live(x, tmp_path).publish(
            post(sound, kept(tmp_path, saved(shades(), "PNG"), ".png", alt, "lava.png")), "k", None
        )
    assert x.ledger.requests == []


# What fails on the way

STEPS = ("initialize", "append", "finalize", "status", "metadata")
PROBLEM = {"title": "Problem", "type": "about:blank"}
FAILURES: list[tuple[Any, type[ChannelError]]] = [
    ("cut", Unavailable),
    ("html", Unavailable),
    ("503", Unavailable),
    ((500, {}, "oh"), Unavailable),
    ((429, {"retry-after": "7"}, PROBLEM), RateLimited),
    ((401, {}, PROBLEM), Unauthorized),
    ((402, {}, PROBLEM), Unauthorized),
    ((400, {}, PROBLEM), Rejected),
    ((404, {}, PROBLEM), Unavailable),
    ((403, {}, {"detail": "You are not allowed to do that."}), Unauthorized),
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("fault", "expected"), FAILURES)
def test_a_failure_on_the_way_leaves_nothing_out_there(
    x: MockX, tmp_path: Path, step: str, fault: Any, expected: type[ChannelError]
) -> None:
    x.processing = Processing(polls=1)
    channel = live(x, tmp_path)
    # Only what moves is asked about again.
    content, suffix = (moving_gif(), ".gif") if step == "status" else (JPEG, ".jpg")
    message = post(kept(tmp_path, content, suffix, src="tanssi"))
    x.fail(step, fault)
    with pytest.raises(ChannelError) as caught:
        channel.publish(message, "k", None)
    assert type(caught.value) is expected
    assert caught.value.hint or expected is RateLimited
    assert expected is not Rejected or "tanssi" in str(caught.value)
    assert ("POST", "/2/tweets") not in x.ledger.requests
    if expected is Unavailable:
        channel.publish(message, "k", None)
        assert len(x.ledger.live()) == 1


@pytest.mark.parametrize("step", ["initialize", "finalize", "metadata"])
def test_an_answer_that_holds_only_errors_confirms_nothing(x: MockX, tmp_path: Path, step: str) -> None:
    x.fail(step, "errors")
    with pytest.raises(Unavailable, match="did not confirm"):
        live(x, tmp_path).publish(post(kept(tmp_path, JPEG, ".jpg")), "k", None)
    assert x.ledger.posts == []


@pytest.mark.parametrize("polls", [0, 1])
def test_a_film_that_x_cannot_use_is_named(x: MockX, tmp_path: Path, polls: int) -> None:
    x.processing = Processing(polls=polls, fails=True)
    media = kept(tmp_path, VIDEO, ".mp4", src="puhe.mp4")
    with pytest.raises(Rejected, match=r"puhe\.mp4") as caught:
        live(x, tmp_path).publish(post(media), "k", None)
    assert "MP4" in caught.value.hint
    assert x.ledger.posts == []


def test_a_film_is_not_waited_for_without_end(x: MockX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.x.live.ATTEMPT", timedelta(seconds=33.5))
    x.processing = Processing(polls=1000)
    media = kept(tmp_path, VIDEO, ".mp4", src="puhe.mp4")
    with pytest.raises(Unavailable, match=r"puhe\.mp4 in time"):
        live(x, tmp_path, timeout="1s").publish(post(media), "k", None)
    assert 1 <= next(iter(x.ledger.uploads.values())).polls <= 3
    assert x.ledger.posts == []


def test_an_upload_leaves_time_for_the_post(x: MockX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt has five minutes in all; a post that is sent after them may be sent by somebody else, too."""
    monkeypatch.setattr("channels.x.live.ATTEMPT", timedelta(seconds=31))
    with pytest.raises(Unavailable, match="no time left"):
        live(x, tmp_path, timeout="1s").publish(post(kept(tmp_path, JPEG, ".jpg")), "k", None)
    assert x.ledger.requests == []


def test_closing_breaks_the_waiting_off(x: MockX, tmp_path: Path) -> None:
    x.processing = Processing(polls=1000, check_after=30)
    channel = live(x, tmp_path)
    caught: list[BaseException] = []

    def publish() -> None:
        try:
            channel.publish(post(kept(tmp_path, VIDEO, ".mp4")), "k", None)
        except ChannelError as error:
            caught.append(error)

    lane = threading.Thread(target=publish)
    lane.start()
    while not any(route.endswith("/finalize") for _, route in x.ledger.requests):
        pass
    channel.close()
    lane.join(20)
    assert [type(one) for one in caught] == [Unavailable]
    assert x.ledger.posts == []


def test_a_film_goes_out_where_x_takes_no_description_of_films(x: MockX, tmp_path: Path) -> None:
    x.processing = Processing(polls=0)
    x.fail("metadata", (400, {}, PROBLEM))
    live(x, tmp_path).publish(post(kept(tmp_path, VIDEO, ".mp4")), "k", None)
    assert len(x.ledger.live()) == 1
