using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>Consistency regularization over several passes of a step (GRAND, Feng et al., arXiv 2005.11079, equations 3 to 5):
/// <c>mean_s CE(p_s) + weight mean_s mean_v |sharpen(mean_s p_s) - p_s|^2</c>. The sharpened mean is a constant of the step.</summary>
internal static class Consistency
{
    /// <summary>The loss of a step, a scalar.</summary>
    /// <param name="pass">Logits of each head, [V, K] or [V, 1], drawn anew at each call</param>
    /// <param name="supervised">Loss of the logits of one head</param>
    /// <param name="options">Weight, passes and temperature</param>
    public static Tensor Loss(Func<IReadOnlyList<Tensor>> pass, Func<Tensor, Tensor> supervised, NodeTrainingOptions options)
    {
        int draws = options.consistency_draws;
        IReadOnlyList<Tensor>[] logits = [.. Enumerable.Range(0, draws).Select(_ => pass())];
        Tensor labelled = logits.SelectMany(heads => heads).Select(supervised).Aggregate((sum, next) => sum + next) / draws;
        Tensor[] distances = [.. Enumerable.Range(0, logits[0].Count).Select(head => Distance([.. logits.Select(heads => Probabilities(heads[head]))], options.consistency_temperature))];
        return labelled + (distances.Aggregate((sum, next) => sum + next) * options.consistency);
    }

    /// <summary>Mean over passes and vertices of the squared distance to the sharpened mean.</summary>
    /// <param name="passes">Probabilities of each pass, [V, K]</param>
    /// <param name="temperature">Of the sharpening</param>
    internal static Tensor Distance(Tensor[] passes, double temperature)
    {
        Tensor stacked = stack(passes);                                                             // [S, V, K]
        Tensor mean = stacked.detach().mean([0L]).pow(1 / temperature);
        Tensor target = mean / mean.sum([1L], keepdim: true).clamp_min(1e-30);
        return (stacked - target).square().sum([2L]).mean();
    }

    private static Tensor Probabilities(Tensor logits) => logits.shape[1] == 1 ? cat([1 - logits.sigmoid(), logits.sigmoid()], 1) : logits.softmax(1);
}
