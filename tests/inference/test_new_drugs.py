import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from napari_tide.chem.molecular_features import molecular_features
from napari_tide.errors import MoleculeEncoderFormatError, MoleculeValueError, StudentValueError
from napari_tide.inference.new_drugs import NewDrugs
from napari_tide.students.bundle import load_bundle, save_bundle
from napari_tide.students.bundle_config import BundleConfig, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig

DRUGS = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "salicylate": "[Na+].O=C([O-])c1ccccc1O",
    "caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "theophylline": "Cn1c(=O)c2[nH]cnc2n(C)c1=O",
    "ibuprofen": "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "nicotine": "CN1CCC[C@H]1c1cccnc1",
}
NEW = "Cn1cnc2c1c(=O)[nH]c(=O)n2C"  # theobromine


@pytest.fixture(scope="session")
def make_trained(tmp_path_factory):
    """A bundle whose drugs have real features, through a folder as a user has it."""
    memory = {}

    def make(mode="mlp", kind="fcfp4", source=None, has_settings=True, has_smiles=True):
        key = (mode, kind, source, has_settings, has_smiles)
        if key not in memory:
            folder = tmp_path_factory.mktemp("bundle") / "student"
            memory[key] = load_bundle(_saved(folder, *key))
        return memory[key]

    return make


def _saved(folder, mode, kind, source, has_settings, has_smiles):
    torch.manual_seed(1)
    found = molecular_features(list(DRUGS.values()), kind, source=source)
    values = torch.from_numpy(found.of_all())
    config = StudentConfig(
        encoder=EncoderConfig(channels=("DNA",), width=24, depth=1, heads=2, image_px=32),
        codebook=CodebookConfig(
            mode=mode,
            features=found.settings if has_settings else None,
            n_drugs=len(DRUGS),
            n_features=values.shape[1],
            hidden=16,
        ),
    )
    student = Student(config, values)
    if mode == "learned":
        torch.nn.init.normal_(student.codebook.residual_KD)
    drugs = [Drug(name=n, smiles=s if has_smiles else "") for n, s in DRUGS.items()]
    save_bundle(student, BundleConfig(name="s", student=config, drugs=tuple(drugs)), folder)
    return folder


@pytest.fixture(scope="session")
def gin_table(tmp_path_factory):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(7, 4)), columns=[f"gin_{i}" for i in range(4)])
    table["smiles"] = [*DRUGS.values(), NEW]
    path = tmp_path_factory.mktemp("tables") / "gin.csv"
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("mode", ["mlp", "fixed"])
@pytest.mark.parametrize("kind", ["fcfp4", "ecfp4", "descriptors", "table"])
def test_a_training_drugs_smiles_has_its_own_prototype(make_trained, gin_table, mode, kind):
    source = gin_table if kind == "table" else None
    bundle = make_trained(mode, kind, source)
    found = NewDrugs(bundle, source=source).prototypes(list(DRUGS.values()))
    torch.testing.assert_close(found, bundle.student.codebook().detach(), atol=1e-5, rtol=0)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_spelling_of_a_training_drug_has_its_prototype(make_trained, data):
    bundle = make_trained("mlp", "fcfp4")
    k = data.draw(st.integers(0, len(DRUGS) - 1))
    molecule = Chem.MolFromSmiles(list(DRUGS.values())[k])
    order = data.draw(st.permutations(range(molecule.GetNumAtoms())))
    spelling = Chem.MolToSmiles(Chem.RenumberAtoms(molecule, order), canonical=False)
    found = NewDrugs(bundle).prototypes([spelling])[0]
    torch.testing.assert_close(found, bundle.student.codebook()[k].detach(), atol=1e-5, rtol=0)


def test_a_residual_is_the_trained_drugs_alone(make_trained):
    bundle = make_trained("learned")
    book = bundle.student.codebook
    found = NewDrugs(bundle).prototypes(list(DRUGS.values()))
    assert not torch.allclose(found, book().detach(), atol=1e-2)
    with torch.no_grad():
        torch.testing.assert_close(found, book.prototypes_of(book.features_KF))


def test_a_new_drug_gives_probabilities_beside_the_trained_ones(make_trained):
    bundle = make_trained()
    prototype = NewDrugs(bundle).prototypes([NEW, "CCO"])
    assert prototype.shape == (2, 24)
    torch.testing.assert_close(prototype.norm(dim=1), torch.ones(2))
    with torch.inference_mode():
        similarity = bundle.student.similarities(torch.randn(3, 24), prototype)
    assert similarity.shape == (3, 2)


def test_the_nearest_in_the_codebook_are_by_cosine(make_trained):
    bundle = make_trained()
    drugs = NewDrugs(bundle)
    near = drugs.nearest(NEW, n=3)
    cosines = (drugs.prototypes([NEW]) @ bundle.student.codebook().detach().T)[0].numpy()
    names = np.array(list(DRUGS))[np.argsort(-cosines)]
    assert [drug.name for drug in near] == names[:3].tolist()
    assert near[0].similarity == pytest.approx(cosines.max(), abs=1e-6)
    assert near[0].smiles == DRUGS[near[0].name]


@pytest.mark.parametrize(("mode", "kind"), [("mlp", "fcfp4"), ("none", "descriptors")])
def test_the_nearest_by_fingerprint_are_those_of_rdkits_tanimoto(make_trained, mode, kind):
    near = NewDrugs(make_trained(mode, kind)).nearest(NEW, n=9, space="fingerprint")
    generator = rdFingerprintGenerator.GetMorganGenerator(
        2, fpSize=2048, atomInvariantsGenerator=rdFingerprintGenerator.GetMorganFeatureAtomInvGen()
    )
    parents = DRUGS | {"salicylate": "O=C(O)c1ccccc1O"}
    bits = {n: generator.GetFingerprint(Chem.MolFromSmiles(s)) for n, s in parents.items()}
    new = generator.GetFingerprint(Chem.MolFromSmiles(NEW))
    expected = {name: DataStructs.TanimotoSimilarity(new, other) for name, other in bits.items()}
    assert {drug.name: pytest.approx(drug.similarity, abs=1e-6) for drug in near} == expected
    assert {near[0].name, near[1].name} == {"caffeine", "theophylline"}
    similarities = [drug.similarity for drug in near]
    assert similarities == sorted(similarities, reverse=True)


def test_chemberta_students_need_the_encoder_they_were_trained_with(make_trained, tmp_path):
    folder = _tiny_chemberta(tmp_path / "chemberta")
    bundle = make_trained("mlp", "chemberta", folder)
    found = NewDrugs(bundle, source=folder).prototypes(list(DRUGS.values()))
    torch.testing.assert_close(found, bundle.student.codebook().detach(), atol=1e-4, rtol=0)
    with pytest.raises(MoleculeValueError, match="made with the transformer chemberta; give its"):
        NewDrugs(bundle).prototypes([NEW])
    with pytest.raises(MoleculeEncoderFormatError, match=r"has no config\.json"):
        NewDrugs(bundle, source=tmp_path).prototypes([NEW])


def _tiny_chemberta(folder):
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    words = {word: i for i, word in enumerate(["[PAD]", "[UNK]", *"CNOcno()=123[]@H"])}
    backend = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]"
    ).save_pretrained(folder)
    config = RobertaConfig(
        vocab_size=len(words), hidden_size=12, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=80, pad_token_id=0,
    )  # fmt: skip
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def test_table_students_know_their_own_drugs_and_ask_for_the_table_for_others(
    make_trained, gin_table
):
    bundle = make_trained("mlp", "table", gin_table)
    book = bundle.student.codebook().detach()
    acid = "O=C(O)c1ccccc1O"
    torch.testing.assert_close(NewDrugs(bundle).prototypes([acid])[0], book[1])
    assert NewDrugs(bundle, source=gin_table).prototypes([NEW]).shape == (1, 24)
    with pytest.raises(MoleculeValueError, match=r"none of the student's drugs.*\(gin\.csv\)"):
        NewDrugs(bundle).prototypes([acid, NEW])
    with pytest.raises(MoleculeValueError, match=r"'CCO': gin\.csv has no such drug"):
        NewDrugs(bundle, source=gin_table).prototypes(["CCO"])


def test_what_has_no_prototype_is_refused(make_trained):
    with pytest.raises(MoleculeValueError, match="'C1CC': RDKit cannot read the SMILES"):
        NewDrugs(make_trained()).prototypes(["CCO", "C1CC"])
    with pytest.raises(MoleculeValueError, match="no SMILES is given"):
        NewDrugs(make_trained()).nearest("", space="fingerprint")
    with pytest.raises(StudentValueError, match="knows no chemistry"):
        NewDrugs(make_trained("none")).nearest(NEW)
    with pytest.raises(StudentValueError, match="does not say how its molecular features"):
        NewDrugs(make_trained(has_settings=False)).prototypes([NEW])
    nameless = make_trained(kind="descriptors", has_smiles=False)
    with pytest.raises(StudentValueError, match="gives no SMILES of its drugs"):
        NewDrugs(nameless).nearest(NEW, space="fingerprint")
