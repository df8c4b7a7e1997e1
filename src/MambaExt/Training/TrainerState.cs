using System.Diagnostics;
using MambaExt.Distributed;
using MambaExt.Native;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>One training under way: everything that has to survive a cut is a field of this class.</summary>
internal sealed partial class TrainerState<TBatch> : IDisposable
{
    private readonly TrainingTask<TBatch> _task;
    private readonly TrainingOptions _options;
    private readonly ITrainingHost _host;
    private readonly ICommunicator? _ranks;
    private readonly GradientAverager? _averager;
    private readonly IReadOnlyList<Parameter> _parameters;
    private readonly bool _onGpu;
    private readonly MasterWeights? _master;
    private readonly OptimizerHelper _optimizer;
    private readonly double[] _shares;
    private readonly LearningRateSchedule _schedule;
    private readonly BestEpoch _best;
    private readonly WeightAverage? _average;
    private readonly long _start = Stopwatch.GetTimestamp();
    private double _secondsBefore;
    private long _step;

    // The epoch under way (from 1), batches of it that are behind us, the weighted sum of their losses and of their weights.
    private int _epoch = 1;
    private int _batch;
    private double _lossSum;
    private double _lossWeight;

    public TrainerState(TrainingTask<TBatch> task, TrainingOptions options, ITrainingHost host, ICommunicator? ranks)
    {
        (_task, _options, _host) = (task, options, host);
        if (ranks is { Size: > 1 })
        {
            _ranks = ranks;
            task.Model.train();
            DataParallel.RequireIndependentSamples(task.Model, ranks);
            DataParallel.BroadcastParameters(task.Model, ranks);
        }

        bool half = options.precision == "bfloat16"
            || (options.precision == "auto" && (Compute.HasBFloat16 || task.Model.parameters().Any(p => p.device_type != DeviceType.CPU)));
        _master = half ? new MasterWeights(task.Model) : null;

        // Behind the conversion, which gives the model new parameters.
        _parameters = _master?.Parameters ?? [.. task.Model.parameters().Where(p => p.requires_grad)];
        _onGpu = _parameters.Count > 0 && _parameters[0].device_type == DeviceType.CUDA;
        _averager = _ranks is null ? null : new GradientAverager(_master?.Named ?? task.Model.named_parameters().Where(p => p.parameter.requires_grad), _ranks);
        _optimizer = Optimizers.Create(_master?.Named ?? task.Model.named_parameters(), options, task.RateOf, task.Undecayed);
        _shares = [.. _optimizer.ParamGroups.Select(group => ((optim.ILearningRateController)group).LearningRate / options.learning_rate)];
        _schedule = new LearningRateSchedule(options, ((task.Batches.Count - 1) / options.accumulate) + 1);
        _best = new BestEpoch(task.Model);
        _average = options.ema > 0 ? new WeightAverage(task.Model, options.ema, _master?.Named) : null;
        if (host.TakeResumed() is { } state)
        {
            using (state)
            {
                Load(state);
            }
        }
    }

    private double Seconds => _secondsBefore + Stopwatch.GetElapsedTime(_start).TotalSeconds;

    private bool Finished => _step >= _schedule.TotalSteps;

    public TrainingOutcome Run(CancellationToken token)
    {
        while (!Finished || _batch > 0)
        {
            Boundary(token);
            _task.Model.train();
            TrainEpoch(token);
            EndEpoch();
            if (_options.patience > 0 && _task.Validate is not null && _epoch - 1 - _best.Epoch >= _options.patience)
            {
                break;
            }
        }

        int last = _epoch - 1;
        Validation? best = null;
        if (_best.Epoch > 0)
        {
            _best.Restore();
            best = new Validation(_best.Score, _best.Loss);
        }
        else
        {
            _average?.Swap();
        }

        _task.Model.eval();
        return new TrainingOutcome(last, _step, _best.Epoch > 0 ? _best.Epoch : last, best, Seconds);
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _best.Dispose();
        _average?.Dispose();
        _master?.Dispose();
        _averager?.Dispose();
    }

    private void TrainEpoch(CancellationToken token)
    {
        if (Finished || _batch >= _task.Batches.Count)
        {
            return;
        }

        // The data is read to its end even where the token asks to stop: the step is finished first, see Boundary.
        double weight = 0;
        int gathered = 0;
        foreach (TBatch batch in _task.Batches.Read(_epoch, _batch, CancellationToken.None))
        {
            using DisposeScope scope = NewDisposeScope();
            if (_onGpu)
            {
                // A checkpoint keeps the CPU's generator, and from it every batch has its numbers on a GPU.
                GpuRandom.Seed(_parameters[0].device, GpuRandom.Draw());
            }

            if (gathered == 0 || _master is not null)
            {
                _task.Model.zero_grad();
            }

            weight += Backward(batch);
            _master?.TakeGradients(first: gathered == 0);
            gathered++;
            bool full = gathered == _options.accumulate || _batch + 1 == _task.Batches.Count;
            if (full)
            {
                Step(weight, gathered, batch);
            }

            _batch++;
            if (full)
            {
                (weight, gathered) = (0, 0);
                if (Finished)
                {
                    return;
                }

                Boundary(token);
            }
        }
    }

    private double Backward(TBatch batch)
    {
        double weight = _task.Weight?.Invoke(batch) ?? 1;
        Tensor loss = _task.Loss(batch);
        double value = loss.ToDouble();
        if (!double.IsFinite(value))
        {
            loss.backward();
            throw NotFinite($"loss is {value}", batch);
        }

        _lossSum += value * weight;
        _lossWeight += weight;
        bool alone = _options.accumulate == 1 && _averager is null;
        (alone || weight == 1 ? loss : loss * weight).backward();
        return alone ? 1 : weight;
    }

    private void Step(double weight, int gathered, TBatch batch)
    {
        if (_averager is not null)
        {
            _averager.AverageSums(weight);
        }
        else if (gathered > 1 || weight != 1)
        {
            using IDisposable _ = no_grad();
            foreach (Parameter parameter in _parameters.Where(p => p.grad is not null))
            {
                parameter.grad!.div_(weight);
            }
        }

        if (_options.clip > 0 && !GradientNorm.Clip(_parameters, _options.clip))
        {
            throw NotFinite("gradient is not finite", batch);
        }

        double rate = LearningRate(_step);
        foreach (var (group, share) in _optimizer.ParamGroups.Zip(_shares))
        {
            ((optim.ILearningRateController)group).LearningRate = rate * share;
        }

        _optimizer.step();
        _master?.GiveWeights();
        _step++;
        _average?.Update();
    }

    private void EndEpoch()
    {
        int epoch = _epoch++;
        double loss = MeanLoss();
        (_batch, _lossSum, _lossWeight) = (0, 0, 0);
        if (epoch % _options.validate_every != 0 && !Finished)
        {
            return;
        }

        Validation? validation = null;
        if (_task.Validate is { } validate)
        {
            _average?.Swap();
            _task.Model.eval();
            using (IDisposable _ = no_grad())
            using (NewDisposeScope())
            {
                validation = validate();
            }

            _best.Offer(epoch, validation.Value.Score, validation.Value.Loss);
            _average?.Swap();
        }

        _host.Report(new EpochReport(
            epoch, _options.epochs, _step, loss, validation, _best.Score, LearningRate(_step - 1)));
    }

    private double LearningRate(long step) => _options.learning_rate * (_task.Schedule?.Invoke(step) ?? _schedule.Factor(step));

    private double MeanLoss()
    {
        if (_ranks is null)
        {
            return _lossSum / _lossWeight;
        }

        using Tensor sums = tensor(new[] { _lossSum, _lossWeight });
        _ranks.AllReduceSum(sums);
        double[] all = sums.data<double>().ToArray();
        return all[0] / all[1];
    }

    private InvalidOperationException NotFinite(string what, TBatch batch)
    {
        string name = _task.Describe is not null ? $" ({_task.Describe(batch)})" : "";
        string culprit =
            First("value", p => p) ?? First("gradient", p => p.grad) ?? "every parameter and gradient is finite, so the batch is not";
        return new InvalidOperationException(FormattableString.Invariant(
            $"The {what} in step {_step + 1}, epoch {_epoch}, batch {_batch + 1}{name}: {culprit}; lower the learning rate, now {_options.learning_rate}, or clip gradients."));

        string? First(string kind, Func<Parameter, Tensor?> of)
        {
            using DisposeScope scope = NewDisposeScope();
            return _task.Model.named_parameters().Concat(_master?.Named ?? []).Where(p => of(p.parameter) is { } t && !t.isfinite().all().item<bool>())
                .Select(p => $"the {kind} of {p.name} is not finite").FirstOrDefault();
        }
    }
}
