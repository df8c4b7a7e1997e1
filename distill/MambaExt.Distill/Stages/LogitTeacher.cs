using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>Logits of a teacher that is not at hand: a cache that was filled elsewhere. It knows the images it was filled for and no others.</summary>
/// <param name="logits">Every draw filled</param>
/// <param name="flops">Operations an image of the teacher that filled it, if they are known</param>
/// <param name="parameters">Its trainable numbers, if they are known</param>
public sealed class LogitTeacher(LogitCache logits, long? flops = null, long parameters = 0) : ITeacher
{
    /// <inheritdoc/>
    public int Classes => logits.Classes;

    /// <inheritdoc/>
    public long? Flops => flops;

    /// <inheritdoc/>
    public long Parameters => parameters;

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor>? Module => null;

    /// <inheritdoc/>
    public Tensor Logits(DrawnImages images, ReadOnlyMemory<int> samples, int draw, Tensor batch) => logits.Rows(images, samples, draw, Missing);

    /// <inheritdoc/>
    public Tensor Whole(DrawnImages images, int draw) => logits.Whole(images, draw, Missing);

    /// <inheritdoc/>
    public void Dispose() => logits.Dispose();

    private static Tensor Missing(Tensor images) => throw new InvalidOperationException("The kept logits do not hold this draw and their teacher is not at hand; fill every draw before the file is written.");
}
