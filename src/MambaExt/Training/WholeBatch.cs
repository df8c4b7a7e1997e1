namespace MambaExt.Training;

/// <summary>One batch that holds all training data: an epoch is a step.</summary>
public sealed class WholeBatch<TBatch>(TBatch batch) : IBatches<TBatch>
{
    /// <inheritdoc/>
    public int Count => 1;

    /// <inheritdoc/>
    public IEnumerable<TBatch> Read(int epoch, int first, CancellationToken token) => first == 0 ? [batch] : [];
}
