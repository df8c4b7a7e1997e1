using MambaExt.Vision;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Losses;

/// <summary>
/// Suppression and separation (Mamba-FSCIL, arXiv 2407.06136) on what steers a branch's scan. With z_b and z_n the gates of the samples of base and
/// novel classes, v_b and v_n the means of delta, B or C over samples, directions and positions:
/// <code>
/// L_supp = w_b |z_b| / numel(z_b) - w_n |z_n| / numel(z_n)             published: Frobenius norm
/// L_supp = w_b mean_i rms(z_i) - w_n mean_j rms(z_j)                    per sample
/// L_sep  = w |cos(v_b, v_n)| / 2, for delta, B and C each
/// </code>
/// A part without samples contributes nothing. At z = 0 the gradient of a norm is taken as 0.
/// </summary>
public static class ScanLosses
{
    // Below the square root: far below any gate that matters, above what float32 loses to underflow.
    private const double Tiny = 1e-24;

    /// <summary>The sum of all terms, a scalar; null where no term is on or none applies.</summary>
    /// <param name="signals">Of the branch</param>
    /// <param name="novel">bool [B]: whether the sample's class is a novel one</param>
    /// <param name="options">Weights and form</param>
    public static Tensor? Total(Scan2dSignals signals, Tensor novel, ScanLossOptions options)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor old = novel.logical_not().nonzero().squeeze(1), recent = novel.nonzero().squeeze(1);
        Tensor?[] terms =
        [
            Suppression(signals.z, old, options.suppress_base, options.form),
            Suppression(signals.z, recent, -options.suppress_novel, options.form),
            Separation(signals.dt_low, old, recent, options.separate),
            Separation(signals.B, old, recent, options.separate),
            Separation(signals.C, old, recent, options.separate),
        ];
        return Sum(terms)?.MoveToOuterDisposeScope();
    }

    /// <summary>Separation alone, for delta, B and C, with a weight of its own; null where it is off or does not apply.</summary>
    /// <param name="signals">Of the base branch</param>
    /// <param name="novel">bool [B]: whether the sample's class is a novel one</param>
    /// <param name="weight">0 for off</param>
    public static Tensor? Separation(Scan2dSignals signals, Tensor novel, double weight)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor old = novel.logical_not().nonzero().squeeze(1), recent = novel.nonzero().squeeze(1);
        return Sum([Separation(signals.dt_low, old, recent, weight), Separation(signals.B, old, recent, weight), Separation(signals.C, old, recent, weight)])?.MoveToOuterDisposeScope();
    }

    /// <summary>weight |z| / numel(z), or weight times the mean root mean square of the samples, over the samples <paramref name="which"/>; null without samples or weight.</summary>
    /// <param name="gate">[B, ...]</param>
    /// <param name="which">int64 [b]</param>
    /// <param name="weight">Negative for a reward</param>
    /// <param name="form">published or per_sample</param>
    public static Tensor? Suppression(Tensor gate, Tensor which, double weight, string form)
    {
        if (weight == 0 || which.numel() == 0)
        {
            return null;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor z = gate.index_select(0, which).flatten(1);
        Tensor value = form == "per_sample" ? Root(z.square().mean([1L])).mean() : Root(z.square().sum()) / z.numel();
        return (value * weight).MoveToOuterDisposeScope();
    }

    /// <summary>weight |cos| / 2 between the mean of <paramref name="signal"/> [B, K, L, N] over the samples of either part; null where one is empty or the weight 0.</summary>
    public static Tensor? Separation(Tensor signal, Tensor old, Tensor recent, double weight)
    {
        if (weight == 0 || old.numel() == 0 || recent.numel() == 0)
        {
            return null;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor cosine = (Mean(old) * Mean(recent)).sum();
        return (cosine.abs() * (weight / 2)).MoveToOuterDisposeScope();

        Tensor Mean(Tensor which) => nn.functional.normalize(signal.index_select(0, which).mean([0L, 1L, 2L]), dim: 0);
    }

    private static Tensor? Sum(Tensor?[] terms)
    {
        Tensor[] present = [.. terms.OfType<Tensor>()];
        return present.Length == 0 ? null : present.Aggregate((sum, next) => sum + next);
    }

    // sqrt has an infinite slope at 0, and infinity times zero is no number; held up there it has slope 0, as the clamp's own gradient is 0.
    private static Tensor Root(Tensor square) => square.clamp_min(Tiny).sqrt() * (square > Tiny).to_type(square.dtype);
}
