"""Markdown: what readers get of what writers write."""

import re
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels import markdown
from channels.markdown import Unreadable, absolutise, excerpt, to_html, to_text
from channels.testing import scripts_in


def test_the_bodys_highest_heading_stands_below_the_pages_title() -> None:
    assert to_html("# One\n\n## Two") == '<h2 id="one">One</h2>\n<h3 id="two">Two</h3>'
    assert to_html("## Two") == '<h2 id="two">Two</h2>'
    assert "<h6" in to_html("# a\n\n###### b")


def test_extensions_that_writers_count_on() -> None:
    html = to_html(
        "!!! note\n    Mind it.\n\n| a | b |\n|--:|---|\n| 1 | 2 |\n\nX[^1]\n\n[^1]: Foot.\n\n*[EU]: European Union\n\nEU"
    )
    for part in ('class="admonition note"', '<td align="right">1</td>', 'href="#fn:1"', 'title="European Union"'):
        assert part in html


def test_quotation_marks_follow_the_language() -> None:
    assert "”moi”" in to_html('"moi"', "fi")
    assert "“hi”" in to_html('"hi"', "en")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "<a href='JaVaScRiPt:alert(1)'>x</a>",
        "<iframe src='https://example.org'></iframe>",
        "<style>body{display:none}</style>",
        "<p style='position:fixed'>x</p>",
        "<svg onload=alert(1)>",
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        "x{: onclick=alert(1) }",
    ],
)
def test_nothing_runs_and_nothing_covers_the_page(hostile: str) -> None:
    html = to_html(hostile)
    assert not scripts_in(html)
    tags = "".join(re.findall(r"<[^<>]*>", html)).lower()
    for part in ("<script", "<iframe", "<style", "style=", "<svg", "onclick", "onerror", "javascript:", "data:text"):
        assert part not in tags


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<",
                ">",
                '"',
                "'",
                "a",
                " href=",
                "[x](",
                ")",
                "\n\n",
                "script",
                "&lt;",
                "`",
                "{{<",
                ">}}",
                "=",
                "/",
                "\x00",
                "\ufdd3",
                "\ufdd2",
            ]
        ),
        max_size=40,
    )
)
def test_whatever_is_put_together_runs_nothing(parts: list[str]) -> None:
    html = to_html("".join(parts))
    assert not scripts_in(html)
    assert not any("\ufdd0" <= char <= "\ufdef" or char == "\x00" for char in html)
    assert absolutise(html, lambda url: url).count("<") == html.count("<")


def test_control_characters_are_gone() -> None:
    assert to_html("a\x00b\x0bc\x1b\ud800") == "<p>abc</p>"


def test_a_link_to_a_shortcode_becomes_its_text() -> None:
    text = 'See [the *guide*]({{< ref "a/b.md" >}}) and <a href="{{< ref "c.md" >}}">that</a>.'
    assert to_html(text) == "<p>See the <em>guide</em> and that.</p>"


def test_shortcodes_vanish_and_pairs_keep_what_they_enclose() -> None:
    text = '{{< box class="x" >}}\n\nInside.\n\n{{< /box >}}\n\n{% include x.html %}\n\n{{ site.title }}A{{% b %}}\n\n{% comment %}no{% endcomment %}'
    assert to_html(text) == "<p>Inside.</p>\n<p>A</p>"
    assert to_html("![alt]({{< asset x >}})") == ""


def test_code_is_shown_as_it_is_written() -> None:
    assert "{{ x }}" in to_html("`{{ x }}`")
    assert "{{&lt; box &gt;}}" in to_html("```\n{{< box >}}\n```")
    assert "a[i] &lt; b[" in to_html("```\n" + "if a[i] < b[\n" * 40 + "```")


@pytest.mark.parametrize(
    "mark", ["[", "![", "[a ", "](", "<a ", "<http://", "[a](<", "`a``b", "**a ", "> ", "{{ ", "<!-- "]
)
def test_no_text_holds_up_the_desk(mark: str) -> None:
    """Twenty times the text may cost more than twenty times the time, but not four hundred times."""
    small, large = mark * 300, mark * 6000
    to_html("warm")
    started = time.perf_counter()
    to_html(small)
    between = time.perf_counter()
    to_html(large)
    assert time.perf_counter() - between < 200 * max(between - started, 0.005)


def test_what_is_too_long_or_too_deep_is_told_with_its_remedy() -> None:
    for text in ("x" * (markdown.MAX + 1), "# a\n" * 5000, "a\n: b\n" * 2000):
        with pytest.raises(Unreadable) as caught:
            to_html(text)
        assert caught.value.hint


def test_a_text_that_failed_does_not_colour_the_next() -> None:
    text = "One\n\n- a\n- b\n"
    whole = to_html(text)
    with pytest.raises(Unreadable):
        to_html("a\n: b\n" * 2001)
    markdown.to_html.cache_clear()
    assert to_html(text) == whole


def test_plain_text_keeps_paragraphs_and_lists_apart() -> None:
    assert to_text("# T\n\nOne *two*\nthree.\n\n- a\n- b\n\n&amp; <b>c</b>") == "T\n\nOne two three.\n\n- a\n- b\n\n& c"


def test_plain_text_of_code_keeps_its_lines() -> None:
    assert to_text("One\n\n```\na\nb\n```") == "One\n\na\nb"


def test_an_excerpt_ends_between_words() -> None:
    assert excerpt("One, two, three.", 2) == "One, two …"
    assert excerpt("One two.", 5) == "One two."


def test_addresses_are_rewritten_in_tags_alone() -> None:
    html = to_html('[a](x.md "href=") ![b > c](p.png) `href="q"` <span title="href=">t</span>')
    done = absolutise(html, lambda url: "https://example.org/" + url + "?a=1&b")
    assert 'href="https://example.org/x.md?a=1&amp;b"' in done
    assert 'src="https://example.org/p.png?a=1&amp;b"' in done
    assert '<code>href="q"</code>' in done


def test_an_address_that_leads_nowhere_goes() -> None:
    assert absolutise(to_html("[a](x) ![b](y)"), lambda _: None) == "<p><a>a</a> </p>"


def test_threads_do_not_mix_their_texts() -> None:
    texts = [f"# Title {n}\n\nText[^1] {n}\n\n[^1]: Note {n}." * 3 for n in range(120)]
    wanted = [to_html(text) for text in texts]
    markdown.to_html.cache_clear()
    found: dict[int, list[str]] = {}

    def work(n: int) -> None:
        found[n] = [to_html(text) for text in (texts if n % 2 else texts[::-1])]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[n] == (wanted if n % 2 else wanted[::-1]) for n in range(4))
