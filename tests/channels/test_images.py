"""Pictures as readers get them."""

from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from channels import images
from channels.images import BadImage, thumbnail, variants

ORIENTATION = 0x0112


def saved(path: Path, size: tuple[int, int] = (2000, 1000), mode: str = "RGB", **how: object) -> Path:
    Image.linear_gradient("L").resize(size).convert(mode).save(path, **how)
    return path


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def test_sizes_in_its_own_format_and_in_webp(tmp_path: Path) -> None:
    photo = saved(tmp_path / "photo.jpg")
    found = variants(photo, digest(photo), tmp_path / "out")
    assert [(one.type, one.width, one.height) for one in found] == [
        (kind, width, width // 2) for kind in ("image/jpeg", "image/webp") for width in (480, 960, 1600)
    ]
    for one in found:
        with Image.open(tmp_path / "out" / one.name) as made:
            assert made.size == (one.width, one.height)
        assert (tmp_path / "out" / one.name).stat().st_size == one.size


def test_nothing_is_enlarged(tmp_path: Path) -> None:
    small = saved(tmp_path / "small.png", (700, 100))
    assert {one.width for one in variants(small, digest(small), tmp_path / "out")} == {480, 700}


def test_a_second_call_writes_nothing_and_tells_the_same(tmp_path: Path) -> None:
    photo = saved(tmp_path / "photo.jpg")
    first = variants(photo, digest(photo), tmp_path / "out")
    inodes = {path.name: path.stat().st_ino for path in (tmp_path / "out").iterdir()}
    assert variants(photo, digest(photo), tmp_path / "out") == first
    assert {path.name: path.stat().st_ino for path in (tmp_path / "out").iterdir()} == inodes


def test_two_makings_are_equal(tmp_path: Path) -> None:
    photo = saved(tmp_path / "photo.jpg")
    for out in ("a", "b"):
        variants(photo, digest(photo), tmp_path / out)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_turned_photo_stands_upright_and_forgets_where_it_was(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = "secret place"
    photo = saved(tmp_path / "photo.jpg", exif=exif)
    found = variants(photo, digest(photo), tmp_path / "out", widths=(480,))
    assert (found[0].width, found[0].height) == (480, 960)
    for one in found:
        assert b"secret place" not in (tmp_path / "out" / one.name).read_bytes()
        with Image.open(tmp_path / "out" / one.name) as made:
            assert made.size == (480, 960)
            assert not made.getexif()


@pytest.mark.parametrize(
    ("mode", "suffix"), [("RGBA", ".png"), ("P", ".png"), ("CMYK", ".jpg"), ("L", ".jpg"), ("1", ".png")]
)
def test_every_mode_is_read(tmp_path: Path, mode: str, suffix: str) -> None:
    picture = saved(tmp_path / ("x" + suffix), (600, 300), mode)
    assert len(variants(picture, digest(picture), tmp_path / "out")) == 4


def test_a_gif_passes_as_it_is(tmp_path: Path) -> None:
    frames = [Image.new("P", (60, 40), colour) for colour in (1, 2, 3)]
    path = tmp_path / "moves.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    (one,) = variants(path, digest(path), tmp_path / "out")
    assert (tmp_path / "out" / one.name).read_bytes() == path.read_bytes()
    assert (one.width, one.height, one.type) == (60, 40, "image/gif")


def broken(tmp_path: Path, name: str) -> Path:
    whole = saved(tmp_path / f"whole.{name}", format="JPEG" if name == "jpg" else "PNG")
    path = tmp_path / f"half.{name}"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    return path


def svg(tmp_path: Path) -> Path:
    path = tmp_path / "drawing.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    return path


def bomb(tmp_path: Path) -> Path:
    return saved(tmp_path / "bomb.png", (9000, 8000), "1")


@pytest.mark.parametrize("make", [lambda t: broken(t, "jpg"), lambda t: broken(t, "png"), svg, bomb])
def test_what_cannot_be_shown_is_told_plainly(tmp_path: Path, make: object) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    with pytest.raises(BadImage) as caught:
        variants(path, digest(path), tmp_path / "out")
    assert path.name in str(caught.value)
    assert caught.value.hint


def test_a_small_picture_has_exactly_its_size(tmp_path: Path) -> None:
    photo = saved(tmp_path / "photo.jpg", (300, 900))
    with Image.open(tmp_path / "out" / thumbnail(photo, digest(photo), tmp_path / "out")) as made:
        assert made.size == images.THUMBNAIL


def test_a_phones_jpeg_with_two_pictures_in_it_is_a_jpeg(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (900, 600), color) for color in ("red", "blue"))
    source = tmp_path / "a.jpg"
    first.save(source, "MPO", save_all=True, append_images=[second])
    made = variants(source, digest(source), tmp_path / "out")
    assert all(one.name.endswith((".jpg", ".webp")) for one in made)
