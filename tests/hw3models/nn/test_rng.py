"""torch's global generator is lent to one thread at a time, and given back as it was."""

import threading

import torch

from hw3models.nn.rng import global_generator


def drawn(seed: int) -> torch.Tensor:
    """What the generator of `seed` gives first."""
    return torch.rand(4, generator=torch.Generator().manual_seed(seed))


def test_it_starts_at_the_seed_and_is_afterwards_as_it_was() -> None:
    before = torch.get_rng_state()
    with global_generator(7):
        assert torch.equal(torch.rand(4), drawn(7))
        with global_generator(8):
            assert torch.equal(torch.rand(4), drawn(8))
        assert torch.equal(torch.rand(2), torch.rand(6, generator=torch.Generator().manual_seed(7))[4:])
    assert torch.equal(torch.get_rng_state(), before)


def test_another_thread_waits_until_it_is_given_back() -> None:
    got: list[torch.Tensor] = []
    has_asked = threading.Event()

    def ask() -> None:
        has_asked.set()
        with global_generator(2):
            got.append(torch.rand(4))

    thread = threading.Thread(target=ask)
    with global_generator(1):
        thread.start()
        assert has_asked.wait(60)
        thread.join(0.3)
        assert not got, "both drew from one generator"
        assert torch.equal(torch.rand(4), drawn(1))
    thread.join(60)
    assert torch.equal(got[0], drawn(2))
