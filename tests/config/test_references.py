"""The references that travel with the project say what their sources print, and a user's own file is read or named."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.references import own_folder, read_file, read_library
from harness.errors import HarnessError
from harness.records.references import Reference, is_chip

PUBLISHED = {
    ("swin97", "T4"): {1: 5.71, 4: 5.13, 8: 4.66},
    ("swin97", "Ascend310P3"): {1: 21.11, 4: 20.21, 8: 19.57},
    ("swin98", "T4"): {1: 5.24, 4: 4.65, 8: 4.35},
    ("swin98", "Ascend310P3"): {1: 16.74, 4: 16.06, 8: 16.20},
    ("swin99", "T4"): {1: 4.49, 4: 3.94, 8: 3.57},
    ("swin99", "Ascend310P3"): {1: 14.22, 4: 13.17, 8: 13.67},
    ("swin100", "T4"): {1: 4.26, 2: 3.81, 4: 3.67, 8: 3.28},
    ("swin100", "Ascend310P3"): {1: 14.72, 2: 11.06, 4: 13.25, 8: 13.51},
    ("video_swin", "Ascend310P3"): {1: 0.607},
}
ACCURACY = {
    "swin97": ({1, 4}, {"mIoU": 44.78}, {"mIoU": 44.41}),
    "swin98": ({1, 4}, {"mIoU": 47.92}, {"mIoU": 47.72}),
    "swin99": ({1, 4}, {"mIoU": 48.29}, {"mIoU": 47.99}),
    "swin100": ({1, 2}, {"mIoU": 48.74}, {"mIoU": 48.35}),
    "video_swin": ({1}, {"top1": 80.6, "top5": 94.5}, {}),
}


@pytest.fixture(scope="module")
def shipped() -> tuple[Reference, ...]:
    library = read_library()
    assert library.problems == ()
    return library.references


def test_the_published_throughputs(shipped: tuple[Reference, ...]) -> None:
    found: dict[tuple[str, str | None], dict[int | None, float]] = {}
    for each in shipped:
        if each.throughput is not None:
            found.setdefault((each.model, each.chip), {})[each.batchsize] = each.throughput
            assert each.throughput_stated is not None
            assert float(each.throughput_stated.split()[0]) == each.throughput
    assert found == PUBLISHED


def test_the_published_accuracies(shipped: tuple[Reference, ...]) -> None:
    for model, (batches, metrics, original) in ACCURACY.items():
        rows = [each for each in shipped if each.model == model and each.metrics]
        assert {each.batchsize for each in rows} == batches
        for each in rows:
            assert {name: each.metrics[name] for name in metrics} == metrics
            assert each.original == original


def test_what_is_not_known_is_said(shipped: tuple[Reference, ...]) -> None:
    (video,) = [each for each in shipped if each.model == "video_swin"]
    assert video.unit is None
    assert "unit of the throughput" in video.unknown
    for each in shipped:
        assert each.source == "reference"
        assert each.citation.file
        assert each.citation.commit
        assert each.chip != "T4" or (each.precision is None and "precision" in each.unknown)


def test_batches_that_did_not_fit_have_no_throughput(shipped: tuple[Reference, ...]) -> None:
    too_large = [each for each in shipped if each.outcome == "oom"]
    assert {each.model for each in too_large} == {"swin97", "swin98", "swin99", "swin100"}
    assert {(each.batchsize, each.throughput) for each in too_large} == {(16, None)}
    assert all("does not fit" in note for each in too_large for note in each.notes)


@pytest.mark.parametrize(
    ("chip", "soc_version", "same"),
    [
        ("Ascend310P3", "Ascend310P3", True),
        ("Ascend310P", "Ascend310P3", True),
        ("Ascend310P", "Ascend310", False),
        ("Ascend310", "Ascend310P3", False),
        ("Ascend310", "Ascend310B1", False),
        ("T4", "T40", False),
        (None, "T4", False),
    ],
)
def test_a_family_speaks_of_its_chips_only(chip: str | None, soc_version: str, same: bool) -> None:
    made = read_library().references[0]
    assert is_chip(Reference(model="m", citation=made.citation, chip=chip), soc_version) is same


def test_a_users_own_file_is_added_and_a_damaged_one_named(tmp_path: Path) -> None:
    own = own_folder(tmp_path)
    own.mkdir()
    (own / "mine.yaml").write_text(
        "model: mine\ncitation: {source: a page}\nnumbers: [{chip: T4, batchsize: 2, throughput: 3}]\n"
    )
    (own / "broken.yaml").write_text("model: [")
    (own / "wrong.yaml").write_text("model: m\ncitation: {source: s}\nnumbers: [{chip: T4, throughput: fast}]\n")
    (own / "list.json").write_text('[{"model": "m"}]')
    library = read_library(tmp_path)
    assert [each.model for each in library.references].count("mine") == 1
    assert len(library.references) == len(read_library().references) + 1
    said = "\n".join(library.problems)
    assert "broken.yaml: not readable as YAML" in said
    assert "wrong.yaml: number 1: throughput=fast: expected a number" in said
    assert "list.json: not a list of references" in said
    assert len(library.problems) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected keys with values"),
        ("numbers: 3", "expected keys with values"),
        ("model: m\nnumbers: [4]", "number 1: expected keys with values"),
        ("model: m\nnumbers: [{chip: T4}]", "number 1: citation.source is missing"),
        ("model: m\ncitation: {source: s}\nnumbers: [{chipp: T4}]", "number 1: chipp: no such key"),
        ("model: m\ncitation: {source: s}\nnumbers: [{throughput: .inf}]", "number 1: throughput=inf"),
        ("model: m\ncitation: {source: s}\nnumbers: [{outcome: oom, throughput: 1}]", "no throughput with outcome oom"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(HarnessError) as caught:
        read_file(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
