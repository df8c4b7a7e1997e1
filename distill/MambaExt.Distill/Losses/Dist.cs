using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// Distillation from a stronger teacher (Huang et al., arXiv 2205.10536): correlations instead of equality. With p = softmax(z / tau) of both sides,
/// <code>
/// inter = 1 - mean over samples of corr(p_student[i, :], p_teacher[i, :])
/// intra = 1 - mean over classes of corr(p_student[:, j], p_teacher[:, j])
/// tau^2 (beta inter + gamma intra)
/// </code>
/// corr is Pearson's. A batch needs two samples.
/// </summary>
/// <param name="beta">Weight of the relation between classes</param>
/// <param name="gamma">Weight of the relation within a class</param>
/// <param name="temperature">tau</param>
public sealed class Dist(double beta = 1, double gamma = 1, double temperature = 1) : DistillationLoss("dist")
{
    // Beside a row without variance, which has no correlation.
    private const double Eps = 1e-8;

    /// <inheritdoc/>
    public override Tensor Of(LossInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor teacher = SameClasses(inputs.Logits, inputs.RequireTeacher(Name));
        if (teacher.shape[0] < 2)
        {
            throw new ArgumentException($"The loss {Name} correlates the samples of a batch and was given {teacher.shape[0]}; give batches of 2 or more.");
        }

        Tensor p = softmax(inputs.Logits / temperature, 1), q = softmax(teacher / temperature, 1);
        Tensor inter = 1 - Correlation(p, q).mean(), intra = 1 - Correlation(p.t(), q.t()).mean();
        return (((inter * beta) + (intra * gamma)) * (temperature * temperature)).MoveToOuterDisposeScope();
    }

    /// <summary>Pearson's of each pair of rows.</summary>
    private static Tensor Correlation(Tensor a, Tensor b)
    {
        Tensor x = a - a.mean([1L], keepdim: true), y = b - b.mean([1L], keepdim: true);
        return (x * y).sum(1) / ((x.norm(1, keepdim: false, p: 2f) * y.norm(1, keepdim: false, p: 2f)) + Eps);
    }
}
