using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>What students learn from. It is asked in evaluation mode and without gradients, and nothing changes it.</summary>
public interface ITeacher : IDisposable
{
    /// <summary>K.</summary>
    int Classes { get; }

    /// <summary>Operations an image, by <see cref="Accounting.FlopCount"/>; null where nobody counted them.</summary>
    long? Flops { get; }

    /// <summary>Trainable numbers.</summary>
    long Parameters { get; }

    /// <summary>Its module, for losses that look into it; null where there is none.</summary>
    nn.Module<Tensor, Tensor>? Module { get; }

    /// <summary>Logits of some samples of a draw, [B, K], without gradients.</summary>
    /// <param name="images">The training images</param>
    /// <param name="samples">Which of them</param>
    /// <param name="draw">Of which draw</param>
    /// <param name="batch">The same as tensor [B, C, H, W]</param>
    Tensor Logits(DrawnImages images, ReadOnlyMemory<int> samples, int draw, Tensor batch);

    /// <summary>Logits of all samples of a draw, [N, K]; stays the teacher's own.</summary>
    Tensor Whole(DrawnImages images, int draw);
}
