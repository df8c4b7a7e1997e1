using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>
/// Weights of B-DISTIL (Dennis et al., arXiv 2302.10093, algorithm 1) without its [N, K] tables. There K+ and K- start equal, are multiplied by
/// exp(- eta d) and exp(eta d) after each student, d = s - g, and each column is brought to sum 1. Unrolled, with F the mean of the t - 1 students,
/// <code>
/// K+ - K- = sinh(eta (t - 1) (g - F)) / sum over samples of cosh(the same)
/// eta = sqrt(2 ln(2 N) / T) / Bd
/// </code>
/// </summary>
public static class BoostWeights
{
    /// <summary>The step for so many samples and rounds and differences of at most <paramref name="bound"/>.</summary>
    public static double Eta(long samples, int rounds, double bound) => Math.Sqrt(2 * Math.Log(2.0 * samples) / rounds) / bound;

    /// <summary>The weights before round t, [N, K].</summary>
    /// <param name="teacher">Clipped logits of all samples, [N, K]</param>
    /// <param name="mean">Mean of the students' clipped logits, [N, K]</param>
    /// <param name="eta">The step</param>
    /// <param name="done">t - 1, students that the mean is over</param>
    public static Tensor Of(Tensor teacher, Tensor mean, double eta, int done)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = (teacher - mean) * (eta * done);

        // Each column is divided by its largest exponential first: cosh of a long run of errors would overflow.
        Tensor most = x.abs().amax([0L], keepdim: true);
        Tensor up = (x - most).exp(), down = (-x - most).exp();
        return ((up - down) / (up + down).sum(0L, keepdim: true)).MoveToOuterDisposeScope();
    }
}
