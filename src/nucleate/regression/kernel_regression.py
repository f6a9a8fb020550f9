"""Kernel regression: the linear algebra that every predictor here shares.

The mean of a Gaussian process and kernel ridge regression are one formula (Rasmussen and Williams
2006, equation 2.25): the weights of n points are (K + ridge I)^-1 y.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def tanimoto(first: Tensor, second: Tensor) -> Tensor:
    """Similarity of bits, [n, B] and [m, B] -> [n, m]; two empty vectors are alike."""
    common = first @ second.T
    either = first.sum(1)[:, None] + second.sum(1)[None] - common
    return torch.where(either > 0, common / either.clamp(min=1.0), torch.ones_like(common))


def squared_distance(first: Tensor, second: Tensor) -> Tensor:
    """[n, F], [m, F] -> [n, m]."""
    out = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    return out.clamp(min=0)


def squared_exponential(distance: Tensor, length: float) -> Tensor:
    """Covariance of squared distances, of any shape."""
    return torch.exp(-0.5 * distance / length**2)


class Spectrum:
    """Values and their covariance, decomposed: then every ridge costs little.

    Args:
        covariance: [n, n].
        values: [n].
    """

    def __init__(self, covariance: Tensor, values: Tensor):
        eigenvalues, self.vectors = torch.linalg.eigh(covariance)
        self.eigenvalues = eigenvalues.clamp(min=0)
        self.turned = self.vectors.T @ values

    def weights(self, ridge: float) -> Tensor:
        """Weights of the points, [n]."""
        return self.vectors @ (self.turned / (self.eigenvalues + ridge))

    def leave_one_out_error(self, ridge: float) -> float:
        """Mean squared error, each value predicted from all others (Allen 1974; Rasmussen and
        Williams 2006, equation 5.12)."""
        diagonal = (self.vectors**2 / (self.eigenvalues + ridge)).sum(1)
        return float(((self.weights(ridge) / diagonal) ** 2).mean())

    def log_likelihood(self, ridge: float) -> float:
        """Log marginal likelihood but for a constant, with the amplitude of the covariance that
        makes it largest (Rasmussen and Williams 2006, equation 5.8)."""
        spread = self.eigenvalues + ridge
        amplitude = float((self.turned**2 / spread).mean().clamp(min=1e-12))
        return -0.5 * len(spread) * np.log(amplitude) - 0.5 * float(spread.log().sum())


class Posterior:
    """A Gaussian process conditioned on n points.

    Args:
        covariance: of the points, float64 [n, n].
        ridge: variance of the noise.
        dtype: in which other points are whitened.
    """

    def __init__(self, covariance: Tensor, ridge: float, dtype: torch.dtype = torch.float64):
        eye = torch.eye(len(covariance), dtype=torch.float64)
        self._factor = torch.linalg.cholesky(covariance + ridge * eye)
        self._inverse = torch.linalg.inv(self._factor).to(dtype)

    def weights(self, values: Tensor) -> Tensor:
        """Weights of the points for their values [n], [n, 1]."""
        return torch.cholesky_solve(values[:, None], self._factor)

    def whitened(self, cross: Tensor) -> Tensor:
        """Covariances [m, n] of other points with these, so that products of rows are what these
        explain of the covariance of the others (equation 2.26)."""
        return cross @ self._inverse.T


def ridge_slope(
    points: NDArray[np.float64], values: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """Slope [D] of a linear regression of values [n] on points [n, D], both of mean zero: kernel
    regression with a linear kernel, solved for D unknowns instead of n."""
    matrix = points.T @ points + ridge * np.eye(points.shape[1])
    return np.asarray(np.linalg.solve(matrix, points.T @ values), np.float64)
