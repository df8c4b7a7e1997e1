using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Classifiers;

/// <summary>
/// The fixed classifier of NC-FSCIL and Mamba-FSCIL (Yang et al., arXiv 2302.03004): a simplex equiangular tight frame,
/// <c>M = sqrt(K / (K - 1)) P (I - 1 1^T / K)</c> with P [d, K] of orthonormal columns. Columns have norm 1 and pairwise cosine -1 / (K - 1); class k
/// owns column k from the start. A buffer, never trained.
/// </summary>
public sealed class SimplexEtf : nn.Module<Tensor, Tensor>
{
    private readonly Tensor etf;

    /// <summary>Draws P from torch's generator.</summary>
    /// <param name="width">d</param>
    /// <param name="classes">K, all classes of the protocol, 2 ... d</param>
    public SimplexEtf(int width, int classes)
        : base(nameof(SimplexEtf))
    {
        if (classes < 2 || width < classes)
        {
            throw new ArgumentException(
                $"A simplex of {classes} classes was asked for in {width} dimensions; it needs at least 2 classes and as many dimensions as classes, so give a projector width of {Math.Max(2, classes)} or more, or fewer --max-classes.");
        }

        (Width, Classes) = (width, classes);
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            // In double: the cosines are to hold to 1e-6.
            (Tensor p, _) = linalg.qr(rand(width, classes, ScalarType.Float64));
            Tensor centre = eye(classes, dtype: ScalarType.Float64) - (1.0 / classes);
            etf = (p.matmul(centre) * Math.Sqrt(classes / (classes - 1.0))).to_type(ScalarType.Float32).DetachFromDisposeScope();
        }

        RegisterComponents();
    }

    /// <summary>d.</summary>
    public int Width { get; }

    /// <summary>K.</summary>
    public int Classes { get; }

    /// <summary>M, [d, K].</summary>
    public Tensor Columns => etf;

    /// <summary>Column of each label, [B, d].</summary>
    /// <param name="labels">int64 [B]</param>
    public Tensor Of(Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        return etf.index_select(1, labels).t().MoveToOuterDisposeScope();
    }

    /// <summary>Cosines of features [B, d] with every column, [B, K].</summary>
    public override Tensor forward(Tensor features)
    {
        using DisposeScope scope = NewDisposeScope();
        return nn.functional.normalize(features, dim: 1).matmul(etf.to_type(features.dtype)).MoveToOuterDisposeScope();
    }
}
