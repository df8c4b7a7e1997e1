using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Classifiers;

/// <summary>
/// Training-free calibration of prototypes (TEEN; Wang et al., "Few-shot class-incremental learning via training-free prototype calibration", NeurIPS 2023): with
/// c unit vectors, a novel one becomes
/// <code>
/// (1 - alpha) c_n + alpha normalize(sum over base b of softmax_b(tau cos(c_n, c_b)) c_b)
/// </code>
/// since few shots place a class by chance, and the base classes that it resembles say where it lies.
/// </summary>
public static class Teen
{
    /// <summary>Calibrated unit prototypes, [K, d].</summary>
    /// <param name="prototypes">[K, d], base classes first; normalized here</param>
    /// <param name="baseClasses">How many of them are base classes</param>
    /// <param name="tau">Temperature</param>
    /// <param name="alpha">Part that comes from base classes; 0 for none</param>
    public static Tensor Calibrate(Tensor prototypes, int baseClasses, double tau, double alpha)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor unit = nn.functional.normalize(prototypes, dim: 1);
        long novel = unit.shape[0] - baseClasses;
        if (novel == 0 || alpha == 0)
        {
            return unit.MoveToOuterDisposeScope();
        }

        Tensor old = unit.narrow(0, 0, baseClasses), recent = unit.narrow(0, baseClasses, novel);
        Tensor drawn = nn.functional.normalize(nn.functional.softmax(recent.matmul(old.t()) * tau, 1).matmul(old), dim: 1);
        return nn.functional.normalize(cat([old, (recent * (1 - alpha)) + (drawn * alpha)], 0), dim: 1).MoveToOuterDisposeScope();
    }
}
