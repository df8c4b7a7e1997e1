using MambaExt.Fscil.Features;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>A batch of maps, their classes, and the number of its step among all of the run.</summary>
internal sealed record MapBatch(Tensor Maps, Tensor Labels, int Step) : IDisposable
{
    public void Dispose()
    {
        Maps.Dispose();
        Labels.Dispose();
    }
}

/// <summary>
/// Batches of maps, whole ones only where there are enough: pass after pass, each in an order of its own. What a step holds belongs to the seed, the
/// session and the number of the step.
/// </summary>
/// <param name="sets">The views of the data; pass p takes view p modulo their number</param>
/// <param name="rows">Rows of a pass, one perhaps several times</param>
/// <param name="batchSize">Maps a step</param>
/// <param name="steps">In all: the one epoch of the training</param>
/// <param name="seed">Of the orders</param>
/// <param name="draw">Tells the sessions of a run apart</param>
internal sealed class MapBatches(IReadOnlyList<MapSet> sets, int[] rows, int batchSize, int steps, ulong seed, int draw) : IBatches<MapBatch>
{
    private const int PassesOfADraw = 1 << 16;

    public int Count => steps;

    public IEnumerable<MapBatch> Read(int epoch, int first, CancellationToken token)
    {
        int size = Math.Min(batchSize, rows.Length), perPass = Math.Max(1, rows.Length / size), pass = -1;
        int[] order = [];
        for (int step = first; step < steps; step++)
        {
            if (step / perPass != pass)
            {
                pass = step / perPass;
                order = RandomPermutation.Of(rows.Length, seed, RandomStream.Batches, (draw * PassesOfADraw) + pass);
            }

            long[] chosen = [.. order.Skip(step % perPass * size).Take(size).Select(i => (long)rows[i])];
            yield return Make(sets[pass % sets.Count], chosen, (draw * PassesOfADraw) + step);
        }
    }

    private static MapBatch Make(MapSet set, long[] chosen, int step)
    {
        using DisposeScope scope = NewDisposeScope();
        Device device = set.Maps.device;
        Tensor maps = set.Maps.index_select(0, tensor(chosen, device: device)), labels = tensor(chosen.Select(i => (long)set.Classes[i]).ToArray(), device: device);
        return new MapBatch(maps.DetachFromDisposeScope(), labels.DetachFromDisposeScope(), step);
    }
}
