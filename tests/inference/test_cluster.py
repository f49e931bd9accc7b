import os
import signal
import threading
import time

import numpy as np
import pytest

from napari_tide.errors import ClusterValueError
from napari_tide.inference.cluster import cluster_runner, connect
from napari_tide.inference.profile_screen import profile_screen
from napari_tide.profiles.store import read_profiles

N_TILES = 4  # of a site
WELLS = tuple(f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13))

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.slow
def test_two_workers_give_the_bytes_of_one_process(tmp_path, make_screen, make_bundle, embedder_of):
    screen, bundle = make_screen(broken={("A02", 2)}), make_bundle()
    embedder = embedder_of(bundle)
    profile_screen(screen, bundle, tmp_path / "one.parquet", embedder=embedder)
    with connect("local:2") as client:
        runner = cluster_runner(client, bundle.folder, embedder)
        run = profile_screen(
            screen, bundle, tmp_path / "two.parquet", embedder=embedder, runner=runner
        )
    assert [site.well for site in run.skipped] == ["A02"]
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


@pytest.mark.slow
def test_a_killed_worker_has_its_sites_redone(tmp_path, make_screen, make_bundle, embedder_of):
    screen, bundle = make_screen(wells=WELLS, n_sites=2), make_bundle()
    embedder = embedder_of(bundle)
    killed = []
    with connect("local:2") as client:

        def kill_one_worker(done, _total):
            if done > 10 and not killed:
                killed.extend(client.run(os.getpid).values())
                os.kill(killed[0], signal.SIGKILL)

        run = profile_screen(
            screen,
            bundle,
            tmp_path / "two.parquet",
            embedder=embedder,
            runner=cluster_runner(client, bundle.folder, embedder),
            progress=kill_one_worker,
        )
    assert killed
    assert run.is_complete
    profile_screen(screen, bundle, tmp_path / "one.parquet", embedder=embedder)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


@pytest.mark.slow
def test_one_of_two_workers_killed_at_ten_random_moments_changes_no_byte(
    tmp_path, make_screen, make_bundle, embedder_of
):
    screen, bundle = make_screen(wells=WELLS[:36], n_sites=2), make_bundle()
    every_site = [(well, site) for well in WELLS[:36] for site in (1, 2)]
    embedder = embedder_of(bundle)
    profile_screen(screen, bundle, tmp_path / "one.parquet", embedder=embedder)
    expected = (tmp_path / "one.parquet").read_bytes()
    for seed in np.random.SeedSequence().generate_state(10):
        rng = np.random.default_rng(seed)
        after_sites, wait_s = int(rng.integers(0, 60)), float(rng.uniform(0, 0.2))
        print(f"seed {seed}: kill {wait_s:.3f} s after {after_sites} of 72 sites")  # noqa: T201
        out, timers = tmp_path / f"{seed}.parquet", []
        with connect("local:2") as client:
            client.wait_for_workers(2)
            victim = int(rng.choice(sorted(client.run(os.getpid).values())))

            def kill_a_moment_later(done, _total, *, victim=victim, timers=timers):
                if done >= after_sites and not timers:  # noqa: B023 - called within this turn
                    timers.append(threading.Timer(wait_s, os.kill, (victim, signal.SIGKILL)))  # noqa: B023
                    timers[0].start()

            run = profile_screen(
                screen,
                bundle,
                out,
                embedder=embedder,
                runner=cluster_runner(client, bundle.folder, embedder),
                progress=kill_a_moment_later,
            )
            timers[0].join()
        assert run.is_complete
        sites = read_profiles(out).metadata[["Metadata_Well", "Metadata_Site"]]
        assert sites.value_counts().to_dict() == dict.fromkeys(every_site, N_TILES)
        assert out.read_bytes() == expected


@pytest.mark.slow
def test_a_cancelled_cluster_run_stops_and_leaves_no_task(
    tmp_path, make_screen, make_bundle, embedder_of
):
    screen, bundle = make_screen(wells=WELLS, n_sites=2), make_bundle()
    embedder, out, seen = embedder_of(bundle), tmp_path / "p.parquet", []
    with connect("local:1") as client:
        run = profile_screen(
            screen,
            bundle,
            out,
            embedder=embedder,
            runner=cluster_runner(
                client, bundle.folder, embedder, is_cancelled=lambda: len(seen) > 2
            ),
            progress=lambda done, total: seen.append(done),
        )
        assert not run.is_complete
        assert run.n_done < run.n_sites
        deadline = time.monotonic() + 10  # the scheduler hears of it a moment later
        while any(client.processing().values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(client.processing().values())
    # another kind of runner goes on with what the cluster has done
    rest = profile_screen(screen, bundle, out, embedder=embedder)
    assert (rest.is_complete, rest.n_resumed) == (True, run.n_done)


@pytest.mark.parametrize("address", ["local:", "local:zero", "local:0", "here", "http://x:1"])
def test_what_is_no_cluster_is_refused(address):
    with pytest.raises(ClusterValueError, match="expected"), connect(address):
        pass
