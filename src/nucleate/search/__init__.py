"""Search of the latent space: desirability, regions, samplers and the study."""
