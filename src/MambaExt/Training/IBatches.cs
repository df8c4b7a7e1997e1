namespace MambaExt.Training;

/// <summary>The training data of each epoch, cut into batches. What an epoch holds is a function of its number alone, so that a resumed
/// run sees the same batches.</summary>
/// <typeparam name="TBatch">Whatever the loss takes: tensors, a graph, indices</typeparam>
public interface IBatches<out TBatch>
{
    /// <summary>Batches an epoch, 1 or more.</summary>
    int Count { get; }

    /// <summary>The batches of <paramref name="epoch"/> (from 1) from number <paramref name="first"/> (from 0) on.</summary>
    IEnumerable<TBatch> Read(int epoch, int first, CancellationToken token);
}
