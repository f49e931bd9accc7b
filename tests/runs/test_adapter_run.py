import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from napari_tide.discovery.hit_list import HitSettings, find_hits
from napari_tide.discovery.signature_query import WEIGHTS
from napari_tide.discovery.student_questions import search_signature
from napari_tide.discovery.well_table import well_table
from napari_tide.errors import OutputExistsError, ProfileValueError, RunFormatError, TrainValueError
from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.profiles.profiles import METADATA_COLUMNS, Profiles
from napari_tide.profiles.store import write_profiles
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_writer import write_gctx
from tide_train.adapter_data import adapter_data
from tide_train.adapter_run import AdapterLoop, run_adapter
from tide_train.data.batch_corrections import centred
from tide_train.data.expression_inputs import expression_inputs
from tide_train.data.training_data import TrainingTable
from tide_train.events import silent
from tide_train.methods.registry import method_class
from tide_train.overrides import with_overrides
from tide_train.recipes.registry import find_recipe
from tide_train.run import RunRequest, run
from tide_train.run_folder import RunFolder

N_DRUGS, N_FEATURES, N_GENES, N_CAUSES = 30, 8, 30, 3
LINES = ("U2OS", "A549")


def _latent():
    return np.random.default_rng(5).normal(size=(N_DRUGS, N_CAUSES)) * 2


def make_profiles(*, has_controls=True):
    random = np.random.default_rng(1)
    mixing = np.random.default_rng(6).normal(size=(N_CAUSES, N_FEATURES))
    rows, values = [], []
    for number, line in enumerate(LINES):
        for drug in [-1] * 20 + list(range(N_DRUGS)) * 6:
            is_control = drug < 0
            rows.append(
                {
                    "Metadata_Plate": f"P-{line}",
                    "Metadata_Well": f"{chr(65 + len(rows) // 24 % 16)}{len(rows) % 24 + 1:02d}",
                    "Metadata_Cell_Line": line,
                    "Metadata_Perturbation_Type": "control" if is_control else "compound",
                    "Metadata_Compound": "DMSO" if is_control else f"drug{drug}",
                    "Metadata_Dose_uM": np.nan if is_control else 1.0,
                    "Metadata_Control": "negcon" if is_control and has_controls else "",
                }
            )
            effect = 0 if is_control else _latent()[drug] @ mixing
            values.append(effect + random.normal(size=N_FEATURES) + 3 * number)
    metadata = pd.DataFrame(rows)
    for name in METADATA_COLUMNS:
        metadata[name] = metadata.get(name, "")
    names = tuple(f"tide_{i:04d}" for i in range(N_FEATURES))
    features = np.array(values, np.float32)
    return Profiles(metadata, features, names, "well", "student-1")


def make_expression(*, level="3", has_controls=True, drug="drug{}"):
    random = np.random.default_rng(2)
    mixing = np.random.default_rng(7).normal(size=(N_CAUSES, N_GENES))
    rows, values = [], []
    for line in LINES:
        for plate in ("X1", "X2"):
            for number in [-1] * (8 if has_controls else 0) + list(range(N_DRUGS)) * 2:
                name = "DMSO" if number < 0 else drug.format(number)
                control = "negcon" if number < 0 else ""
                rows.append((name, line, np.nan if control else 3.0, control, f"{line}{plate}"))
                effect = 0 if number < 0 else _latent()[number] @ mixing
                shift = 0 if level != "3" else 7 + (plate == "X2")
                values.append(effect + random.normal(size=N_GENES) + shift)
    samples = pd.DataFrame(rows, columns=["compound", "cell_line", "dose_um", "control", "plate"])
    samples = samples.assign(smiles="", batch="", n_replicates=np.nan)
    samples.index = pd.Index([f"s{i}" for i in range(len(rows))], name="cid")
    genes = pd.DataFrame({"symbol": [f"G{i}" for i in range(N_GENES)], "is_landmark": True})
    genes.index = pd.Index(genes["symbol"], name="rid")
    return ExpressionTable(np.array(values, np.float32), samples, genes, level)


def make_config(*settings):
    return with_overrides(find_recipe("debug_semi_clipped"), list(settings))


@pytest.fixture(scope="module")
def table():
    return TrainingTable.from_profiles(make_profiles())


@pytest.fixture(scope="module")
def inputs():
    return expression_inputs([make_expression()], min_replicates=1)


@pytest.fixture
def files(tmp_path):
    write_profiles(make_profiles(), tmp_path / "profiles.parquet")
    write_gctx(make_expression(), tmp_path / "l1000.gctx")
    return tmp_path / "profiles.parquet", (tmp_path / "l1000.gctx",)


def make_loop(tmp_path, table, inputs, *settings, announce=silent, should_stop=lambda: False):
    config = make_config(*settings)
    data = adapter_data(config, table, inputs)
    tmp_path.mkdir(exist_ok=True)
    return AdapterLoop(
        config, data, checkpoints=tmp_path, announce=announce, should_stop=should_stop
    )


def losses_of(said):
    return [happened["loss"] for happened in said if happened["event"] == "step"]


def test_the_loss_falls_and_unseen_drugs_are_found(tmp_path, table, inputs):
    said = []
    loop = make_loop(tmp_path, table, inputs, announce=said.append)
    before, outcome = loop.judge(), loop.run()
    losses = losses_of(said)
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:5])
    assert outcome.is_complete
    after = outcome.metrics
    chance = after["disjoint_chance_reciprocal_rank"]
    assert before["disjoint_reciprocal_rank"] < 2 * chance
    assert after["disjoint_reciprocal_rank"] > 3 * chance
    assert after["within_top5"] > 0.7 > 3 * after["within_chance_top5"]


def test_every_correction_is_drawn_and_the_draw_follows_from_the_seed(tmp_path, table, inputs):
    loop = make_loop(tmp_path, table, inputs)
    drawn = [loop.draw.correction(step) for step in range(200)]
    counts = {name: drawn.count(name) for name in set(drawn)}
    assert set(counts) == {"center", "center-scale", "pca-cs", "tvn"}
    assert min(counts.values()) > 25
    again = make_loop(tmp_path, table, inputs)
    other = make_loop(tmp_path, table, inputs, "seed=1")
    assert [again.draw.correction(step) for step in range(200)] == drawn
    assert [other.draw.correction(step) for step in range(200)] != drawn
    rows = loop.data.rows.training[:6]
    for step in range(8):
        drawn_from = loop.data.signatures[drawn[step]]
        for row in loop.draw.pairs(rows, step).signatures_BG.numpy():
            assert (drawn_from == row).all(axis=1).any()


def test_without_pea_only_one_correction_is_there(tmp_path, table, inputs):
    loop = make_loop(tmp_path, table, inputs, "method.corrections=center-scale")
    assert {loop.draw.correction(step) for step in range(50)} == {"center-scale"}
    assert set(loop.data.signatures) == {"none", "center-scale"}


def test_partners_share_drug_and_line(tmp_path, table, inputs):
    loop = make_loop(tmp_path, table, inputs)
    data, rows = loop.data, loop.data.rows.training
    for step in range(3):
        batch = loop.draw.pairs(rows, step)
        drawn_from = data.signatures[loop.draw.correction(step)]
        for image, signature in zip(rows, batch.signatures_BG.numpy(), strict=True):
            partner = int(np.flatnonzero((drawn_from == signature).all(axis=1))[0])
            of_image, of_rna = table.metadata.iloc[image], inputs.samples.iloc[partner]
            assert of_image["Metadata_Compound"] == of_rna["compound"]
            assert of_image["Metadata_Cell_Line"] == of_rna["cell_line"]


def test_signatures_are_scaled_by_their_own_plates_controls(table, inputs):
    data = adapter_data(make_config(), table, inputs)
    expression = make_expression()
    plates = expression.samples["plate"].to_numpy()
    is_control = (expression.samples["control"] == "negcon").to_numpy()
    by_hand = []
    for row in np.flatnonzero(~is_control):
        controls = expression.values[is_control & (plates == plates[row])]
        by_hand.append((expression.values[row] - controls.mean(axis=0)) / controls.std(axis=0))
    np.testing.assert_allclose(data.signatures["center-scale"], by_hand, rtol=1e-4, atol=1e-4)


def test_images_are_aligned_by_tvn_of_their_controls_and_never_move(tmp_path, table, inputs):
    loop = make_loop(tmp_path, table, inputs)
    profiles = Profiles(table.metadata, table.features, table.feature_names)
    by_hand = align_profiles(centred(profiles), "tvn").features.astype(np.float32)
    np.testing.assert_array_equal(loop.draw.images_NP.numpy(), by_hand)
    features = table.features.copy()
    loop.run()
    np.testing.assert_array_equal(loop.draw.images_NP.numpy(), by_hand)
    np.testing.assert_array_equal(table.features, features)
    assert not loop.draw.images_NP.requires_grad
    assert all(name.startswith("adapter.") for name, _ in loop.method.named_parameters())


def test_drugs_that_judge_do_not_train(table, inputs):
    config = make_config("data.held_out_compounds=drug3")
    data = adapter_data(config, table, inputs)
    drug_of = inputs.samples["compound"].to_numpy()
    trained = set(table.metadata["Metadata_Compound"].iloc[data.rows.training])
    judging = set(drug_of[data.rows.judging])
    assert set(drug_of[data.held_out]) == {"drug3"}
    assert len(judging) == 6
    assert not trained & (judging | {"drug3"})
    assert set(drug_of[data.rows.trained_signatures]) == trained
    assert not set(data.rows.training) & set(data.validation)


def test_a_run_delivers_an_adapter_that_leads_to_the_tables_own_profiles(files, tmp_path):
    said = []
    request = RunRequest(make_config(), files[0], tmp_path / "run", l1000=files[1])
    result = run(request, announce=said.append, should_stop=lambda: False)
    assert result.finished is None
    found = result.outcome.best
    assert found["in_table_reciprocal_rank"] > 3 * found["in_table_chance_reciprocal_rank"]
    home = tmp_path / "run" / "rna_adapter"
    config = json.loads((home / "config.json").read_text())
    assert (config["student"], config["width"]) == ("student-1", N_FEATURES)
    assert config["genes"] == [f"G{i}" for i in range(N_GENES)]
    card = (home / "README.md").read_text()
    for part in (
        "## Retrieval",
        "## Pairing",
        "## Curves",
        "## Environment",
        "center, center-scale",
    ):
        assert part in card
    kinds = [happened["event"] for happened in said]
    assert kinds[:3] == ["start", "data", "pairing"]
    assert kinds[-2:] == ["adapter", "done"]
    assert not (tmp_path / "run" / "student").exists()
    metrics = RunFolder(tmp_path / "run").metrics()
    assert [p["step"] for p in metrics if p["event"] == "validation"] == [20, 40, 60]
    with pytest.raises(OutputExistsError, match="holds a run already"):
        run(request, announce=silent, should_stop=lambda: False)


def test_a_stopped_run_goes_on_bit_for_bit(files, tmp_path):
    def weights(name, *, stops_at=None, is_resumed=False):
        said = []
        stop = lambda: losses_of(said).__len__() == stops_at  # noqa: E731
        outcome = run_adapter(
            make_config("n_steps=30", "checkpoint_every=10"),
            RunFolder(tmp_path / name),
            data=files[0],
            l1000=files[1],
            is_resumed=is_resumed,
            announce=said.append,
            should_stop=stop,
        )
        found = torch.load(
            sorted((tmp_path / name / "checkpoints").glob("step_*.pt"))[-1], weights_only=True
        )
        return outcome, found["method"], losses_of(said)

    whole, expected, curve = weights("whole")
    part, _, first = weights("part", stops_at=13)
    assert (part.n_steps, part.is_complete) == (13, False)
    assert (tmp_path / "part" / "rna_adapter" / "adapter.safetensors").is_file()
    rest, found, second = weights("part", is_resumed=True)
    assert first + second == curve
    assert rest.metrics == whole.metrics
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_other_data_are_not_gone_on_with(files, tmp_path):
    settings = {"data": files[0], "l1000": files[1], "announce": silent}
    folder = RunFolder(tmp_path / "run")
    config = make_config("n_steps=2")
    run_adapter(config, folder, is_resumed=False, should_stop=lambda: False, **settings)
    changed = make_expression()
    changed.values[0] += 1
    is_treated = (changed.samples["control"] == "").to_numpy()
    changed.values[np.flatnonzero(is_treated)[0]] += 1
    write_gctx(changed, files[1][0])
    with pytest.raises(RunFormatError, match="tells of other data"):
        run_adapter(config, folder, is_resumed=True, should_stop=lambda: False, **settings)


def test_signatures_that_are_contrasts_already_are_taken_as_they_are(tmp_path, table):
    signatures = expression_inputs(
        [make_expression(level="5", has_controls=False)], min_replicates=1
    )
    loop = make_loop(tmp_path, table, signatures, "method.corrections=none")
    assert loop.data.deployed == "none"
    trained = signatures.values_NG[loop.data.rows.trained_signatures]
    np.testing.assert_allclose(loop.method.adapter.mean, trained.mean(axis=0), atol=1e-5)
    found = loop.run().metrics
    assert found["disjoint_reciprocal_rank"] > 3 * found["disjoint_chance_reciprocal_rank"]


def test_signatures_without_controls_are_refused(table):
    bare = expression_inputs([make_expression(has_controls=False)], min_replicates=1)
    with pytest.raises(
        TrainValueError, match=r"4 batches .*no untreated samples .*corrections=none"
    ):
        adapter_data(make_config(), table, bare)


def test_images_without_controls_are_refused(inputs):
    bare = TrainingTable.from_profiles(make_profiles(has_controls=False))
    with pytest.raises(ProfileValueError, match="no negative controls"):
        adapter_data(make_config(), bare, inputs)


def test_data_without_a_pair_is_refused(table):
    others = expression_inputs([make_expression(drug="other{}")], min_replicates=1)
    with pytest.raises(TrainValueError, match="no image has a transcriptome of the same drug"):
        adapter_data(make_config(), table, others)


def test_too_few_pairs_are_refused(table, inputs):
    one = inputs.take((inputs.samples["compound"] == "drug1").to_numpy())
    one = one.take((one.samples["cell_line"] == "U2OS").to_numpy())
    with pytest.raises(
        TrainValueError, match=r"1 pairs of drug and cell line .*too few to contrast"
    ):
        adapter_data(make_config(), table, one)


def test_data_without_signatures_are_refused(table):
    with pytest.raises(TrainValueError, match="with --l1000"):
        adapter_data(make_config(), table, None)


def test_pixels_are_refused(sample_pack, repository, files, tmp_path):
    for pixels in (sample_pack, repository / "sample_data" / "screen.parquet"):
        request = RunRequest(make_config(), pixels, tmp_path / "run", files[1])
        with pytest.raises(TrainValueError, match=r"no table of them; make one with tide profile"):
            run(request, announce=silent, should_stop=lambda: False)
    assert not (tmp_path / "run").exists()


def test_settings_that_mean_nothing_here_are_refused(files, tmp_path):
    request = RunRequest(make_config("accumulation=2"), files[0], tmp_path / "run", files[1])
    with pytest.raises(TrainValueError, match=r"accumulation 2 .*leave it at 1"):
        run(request, announce=silent, should_stop=lambda: False)
    with pytest.raises(TrainValueError, match="an adapter and no student"):
        method_class(make_config().method)


def test_the_correction_of_every_step_stands_in_the_curves(tmp_path, table, inputs):
    said = []
    loop = make_loop(tmp_path, table, inputs, "n_steps=5", announce=said.append)
    loop.run()
    steps = [happened for happened in said if happened["event"] == "step"]
    assert [step["correction"] for step in steps] == [loop.draw.correction(i) for i in range(5)]


def test_the_command_trains_an_adapter_and_says_so(files, tmp_path):
    from typer.testing import CliRunner

    from napari_tide.cli.main import app

    given = ["train", "debug_semi_clipped", "--data", str(files[0]), "--l1000", str(files[1][0])]
    done = CliRunner().invoke(app, [*given, "--out", str(tmp_path / "run"), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["adapter"] == str(tmp_path / "run" / "rna_adapter")
    assert found["metrics"]["within_top5"] > 0.5
    said = CliRunner().invoke(app, [*given, "--out", str(tmp_path / "again")])
    assert "an adapter for signatures after 60 steps" in said.stdout
    assert "has an unseen drug among its first five" in said.output


@pytest.fixture
def bundle(make_bundle):
    """A student whose profiles the table is said to hold; its weights do not matter here."""
    return make_bundle()


@pytest.fixture
def files_of_bundle(bundle, tmp_path):
    profiles = replace(make_profiles(), student=bundle.id)
    write_profiles(profiles, tmp_path / "its_profiles.parquet")
    write_gctx(make_expression(), tmp_path / "l1000.gctx")
    return profiles, tmp_path / "its_profiles.parquet", (tmp_path / "l1000.gctx",)


def test_an_adapter_in_its_students_bundle_answers_signatures(bundle, files_of_bundle, tmp_path):
    profiles, path, l1000 = files_of_bundle
    request = RunRequest(make_config(), path, tmp_path / "run", l1000, student=bundle.folder)
    run(request, announce=silent, should_stop=lambda: False)
    for name in ("config.json", WEIGHTS, "README.md"):
        here, there = (home / "rna_adapter" / name for home in (tmp_path / "run", bundle.folder))
        assert here.read_bytes() == there.read_bytes()
    asked = 7
    mixing = np.random.default_rng(7).normal(size=(N_CAUSES, N_GENES))
    lines = ["id\t" + "\t".join(f"G{i}" for i in range(N_GENES))]
    lines.append("x\t" + "\t".join(f"{value:.4f}" for value in _latent()[asked] @ mixing))
    (tmp_path / "s.tsv").write_text("\n".join(lines) + "\n")
    searches = search_signature(
        tmp_path / "s.tsv", well_table(profiles), bundle, embeddings=profiles
    )
    found = find_hits(searches, HitSettings(n_draws=99)).table
    assert f"drug{asked}" in set(found.sort_values("rank")["compound"][:5])
    again = replace(request, out=tmp_path / "again")
    with pytest.raises(TrainValueError, match=r"rna_adapter is there already; move it away"):
        run(again, announce=silent, should_stop=lambda: False)


def test_a_resumed_run_replaces_the_adapter_it_delivered_when_stopped(
    bundle, files_of_bundle, tmp_path
):
    _, path, l1000 = files_of_bundle
    request = RunRequest(make_config(), path, tmp_path / "run", l1000, student=bundle.folder)
    weights = [home / "rna_adapter" / WEIGHTS for home in (tmp_path / "run", bundle.folder)]
    run(request, announce=silent, should_stop=lambda: True)
    stopped = weights[1].read_bytes()
    run(replace(request, is_resumed=True), announce=silent, should_stop=lambda: False)
    assert weights[1].read_bytes() == weights[0].read_bytes() != stopped
    assert not (bundle.folder / "rna_adapter.partial").exists()


def test_only_the_student_that_made_the_profiles_gets_the_adapter(bundle, files, tmp_path):
    request = RunRequest(make_config(), files[0], tmp_path / "run", files[1], student=bundle.folder)
    with pytest.raises(TrainValueError, match=r"these profiles are of student-1; give what tide"):
        run(request, announce=silent, should_stop=lambda: False)
    other = replace(request, config=find_recipe("debug_tide_features"))
    with pytest.raises(TrainValueError, match="leave --student out, it is for semi_clipped"):
        run(other, announce=silent, should_stop=lambda: False)
    assert not (tmp_path / "run").exists()
