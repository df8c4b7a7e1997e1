using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <content>How a training is cut and goes on.</content>
internal sealed partial class TrainerState<TBatch>
{
    /// <summary>Between two steps: the state is whole here.</summary>
    private void Boundary(CancellationToken token)
    {
        bool stop = token.IsCancellationRequested, due = _host.CheckpointDue;
        if (_ranks is not null)
        {
            // All ranks stop after the same step, and save after the same one: clocks and signals differ.
            using Tensor flags = tensor(new[] { stop ? 1L : 0, due && _ranks.Rank == 0 ? 1L : 0 });
            _ranks.AllReduceSum(flags);
            long[] all = flags.data<long>().ToArray();
            (stop, due) = (all[0] > 0, all[1] > 0);
        }

        if (stop || due)
        {
            using DisposeScope scope = NewDisposeScope();
            var state = new StateBag();
            Save(state);
            using (state)
            {
                _host.Checkpoint(state);
            }
        }

        if (stop)
        {
            throw new OperationCanceledException(token);
        }
    }

    private void Save(StateBag bag)
    {
        bag.Values["step"] = _step;
        bag.Values["epoch"] = _epoch;
        bag.Values["batch"] = _batch;
        bag.Values["seconds"] = Seconds;
        bag.Values["loss_sum"] = BitConverter.DoubleToInt64Bits(_lossSum);
        bag.Values["loss_weight"] = BitConverter.DoubleToInt64Bits(_lossWeight);
        ModelState.Save(_task.Model, bag);
        _master?.Save(bag);
        Optimizers.Save(_optimizer, bag);
        _best.Save(bag);
        _average?.Save(bag);
        byte[] random = get_rng_state().data<byte>().ToArray();
        byte[][] all = _ranks?.AllGather(random) ?? [random];
        for (int rank = 0; rank < all.Length; rank++)
        {
            bag.Tensors[$"rng.torch.{rank}"] = tensor(all[rank]);
        }
    }

    private void Load(StateBag bag)
    {
        _step = bag.Value<long>("step");
        _epoch = bag.Value<int>("epoch");
        _batch = bag.Value<int>("batch");
        _secondsBefore = bag.Value<double>("seconds");
        _lossSum = BitConverter.Int64BitsToDouble(bag.Value<long>("loss_sum"));
        _lossWeight = BitConverter.Int64BitsToDouble(bag.Value<long>("loss_weight"));
        ModelState.Load(_task.Model, bag);
        _master?.Load(bag);
        Optimizers.Load(_optimizer, bag);
        _best.Load(bag);
        _average?.Load(bag);
        set_rng_state(bag.Tensor($"rng.torch.{_ranks?.Rank ?? 0}"));
    }
}
