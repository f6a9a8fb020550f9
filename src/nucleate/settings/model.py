"""Settings of networks, their objective, prior, training and fine-tuning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from nucleate.core.settings import Fraction, Positive, Settings
from nucleate.settings.data import DatasetSettings, SplitSettings


class NetworkSettings(Settings):
    """Encoder and decoder. `auto` takes what trains best for the kind of matter on two cores."""

    encoder: Literal["auto", "gru", "transformer"] = "auto"
    """Kind of the encoder's network."""
    decoder: Literal["auto", "gru", "transformer"] = "auto"
    """Kind of the decoder's network."""
    width: Positive | None = None
    """Size of hidden vectors; by kind of network if not given."""
    layers: Positive | None = None
    """Of both networks; by their kind if not given."""
    latent: Positive = 64
    """Dimensions of the latent vector."""
    binding: bool = False
    """A short way between steps and latent vector beside the networks (see `Binding`)."""
    dropout: Fraction = 0.0
    """Share of hidden numbers left out at each step of training."""


class ObjectiveSettings(Settings):
    """The evidence lower bound and its warm-up (Kingma & Welling 2014; beta-VAE, Higgins 2017)."""

    beta: Annotated[float, Field(ge=0)] = 0.02
    """Weight of the KL divergence: the price of a nat of rate in nats of distortion."""
    warm_up: Fraction = 0.3
    """Share of training over which beta rises from zero."""
    free_bits: Annotated[float, Field(ge=0)] = 0.0
    """Nats per latent dimension that cost nothing (Kingma et al. 2016)."""
    word_dropout: Fraction = 0.1
    """Share of steps hidden from the decoder's input, so that it leans on the latent vector."""
    auxiliary_weight: Annotated[float, Field(ge=0)] = 0.5
    """Weight of the auxiliary fields' negative log-likelihood."""
    auxiliary_weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """By auxiliary field, where it differs from `auxiliary_weight`."""
    alignment_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of one minus the correlation of latent and Tanimoto distances within a batch."""
    alignment_field: str = "fingerprint"
    """Auxiliary field whose Tanimoto distances the latent ones follow."""
    noise: Fraction = 0.0
    """Share of a batch whose latent vectors are blended with noise of a random amplitude that the
    decoder is told, so that it also learns what is usual where the vector says little."""
    noise_schedule: Literal["uniform", "cosine"] = "uniform"
    """Of the amplitudes: uniform between 0 and 1, or the sine of a uniform angle, which has more of
    those that leave little of the vector."""


class PriorSettings(Settings):
    """The distribution that the sampler draws latent vectors from."""

    kind: Literal["flow_matching", "gaussian_mixture", "standard_normal"] = "flow_matching"
    """What is fitted to the encoded training set."""
    components: Positive = 30
    """Components of the Gaussian mixture."""
    steps: Annotated[int, Field(ge=20)] = 3000
    """Optimiser steps of the flow."""
    width: Positive = 256
    """Size of hidden vectors of the flow's network."""
    layers: Positive = 3
    """Layers of the flow's network."""
    integration_steps: Positive = 16
    """Steps of the midpoint rule by which the flow draws."""


class DrawSettings(Settings):
    """How samples are drawn from a model unless a command says otherwise."""

    temperature: Annotated[float, Field(ge=0)] = 0.0
    """Temperature of the decoder; 0 takes the likeliest."""
    continuous_temperature: Annotated[float, Field(ge=0)] | None = None
    """Temperature of the decoder's continuous fields, where it is lower than `temperature`."""
    prior_temperature: Annotated[float, Field(gt=0)] = 1.0
    """Scale of the prior's noise."""
    noise: Fraction = 0.0
    """Noise that the decoder takes for granted in latent vectors: 0 copies them, 1 ignores them."""
    blended: bool = False
    """Whether the prior's draws hold that much noise, as vectors did in training; else they are as
    free of it as the prior can make them, and only the decoder is told to lean on what is usual."""
    resample: Annotated[int, Field(ge=0)] = 4
    """Draws of the continuous fields, categorical ones kept, where what was written is not fine, as
    the kind of matter judges (crystals: atoms that overlap); 0 for none."""
    resample_temperature: Annotated[float, Field(gt=0)] = 0.7
    """Temperature of those draws."""
    relief: bool = True
    """Whether continuous fields that are still not fine are mended, where the kind of matter knows
    how (crystals: atoms that overlap part, symmetry kept)."""


class TrainSettings(Settings):
    """Arrays -> model and prior."""

    sampling: DrawSettings | None = None
    """How samples are drawn unless a command says otherwise: goes into the model's info. If not
    given, what the start model has there, else the defaults."""
    network: NetworkSettings = NetworkSettings()
    """Encoder and decoder."""
    objective: ObjectiveSettings = ObjectiveSettings()
    """What training minimises."""
    prior: PriorSettings = PriorSettings()
    """What latent vectors are drawn from."""
    augment: dict[str, Any] = Field(default_factory=dict)
    """Options of the matter's augmentation; `{enabled = false}` switches it off."""
    epochs: Positive = 40
    """Passes over the training set."""
    batch: Positive = 64
    """Structures per optimiser step."""
    learning_rate: Annotated[float, Field(gt=0)] = 1.5e-3
    """Step size of the optimiser, at its highest."""
    patience: Positive = 8
    """Epochs without a better validation loss after which training stops."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.995
    """Decay of the exponential moving average of weights that is validated and kept."""
    maximum_minutes: Annotated[float, Field(gt=0)] | None = None
    """Time that the stage may take, prior and figures included: what that leaves for training is
    said before it starts. The result then depends on the machine's speed."""
    processes: Positive = 1
    """Processes that share each batch, on the CPU: nearly as many times faster, since a step is too
    small for threads. Results depend on their number, as they do on the batch."""
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 1.0
    """Time between two checkpoints, from which a killed training goes on."""
    start: str = "none"
    """A model to start from instead of random weights: a shipped model's name, a model's folder,
    `auto` (the shipped model of this kind of matter, if there is one) or `none`. Its codec and
    network are then taken, `featurize.codec` and `network` are not looked at, and beta does not
    warm up."""
    start_extend: bool = False
    """Whether symbols that the start model does not know are added to its vocabulary; else
    structures with such symbols are rejected rows."""
    start_epochs: Positive | None = None
    """`epochs` where a start model was found; the same number if not given."""
    start_learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    """`learning_rate` where a start model was found."""


class FinetuneSettings(Settings):
    """A trained model and a person's own set -> a model of that set which has not forgotten."""

    dataset: DatasetSettings
    """One's own structures; `properties` names the columns for which property heads are fitted."""
    standardise: dict[str, Any] = Field(default_factory=dict)
    """How rows are standardised, by the matter's own options."""
    split: SplitSettings = SplitSettings(validation=0.1, test=0.1)
    """How they are divided."""
    frozen: bool = False
    """Whether the networks stay as they are and only the prior and the property heads are fitted;
    symbols that the model does not know are then not added."""
    extend: bool = True
    """Whether symbols that the model does not know are added to its vocabulary; else structures
    with such symbols are rejected rows."""
    epochs: Positive = 30
    """Passes over one's own set, at most."""
    batch: Positive = 64
    """Structures per optimiser step."""
    learning_rate: Annotated[float, Field(gt=0)] = 3e-4
    """Step size of the optimiser, at its highest."""
    patience: Positive = 6
    """Epochs without a better validation loss within the forgetting bound after which it ends."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.98
    """Decay of the moving average of weights that is judged and kept."""
    maximum_minutes: Annotated[float, Field(gt=0)] | None = None
    """Time that the command may take, all included: reading and measuring come first and are not
    cut short, and what they leave for training and prior is said before it starts."""
    rehearsal: Annotated[float, Field(ge=0)] = 2.0
    """Structures decoded by the old model to train on besides, per structure of one's own."""
    pull: Annotated[float, Field(ge=0)] = 3.0
    """Decay of the weights towards the old ones, per unit of learning rate and step (L2-SP)."""
    maximum_forgetting: Fraction = 0.02
    """Most that the share of exactly rebuilt structures may fall on the base set."""
    base_set: Positive = 500
    """Structures decoded by the old model on which forgetting is measured."""
    prior_steps: Positive = 2000
    """Most optimiser steps by which the prior is fitted to one's own set."""
    samples: Positive = 500
    """Draws from the prior, before and after, that are compared with one's own set."""
    processes: Positive | None = None
    """Worker processes; as many as cores if not given."""
