using MambaExt.Distributed;
using MambaExt.Runs;
using MambaExt.Training;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TorchSharp;

namespace MambaExt.Hosting;

/// <summary>The training loop as a service: progress goes to the log, runs to <see cref="MambaExtOptions.RunsFolder"/>.</summary>
public sealed partial class ModelTrainer
{
    private readonly ILogger<ModelTrainer> _log;
    private readonly ICommunicator _ranks;

    /// <summary>Takes the options and sets the threads of this process by them.</summary>
    /// <exception cref="OptionsValidationException">Options are out of range; all of them are named.</exception>
    public ModelTrainer(IOptions<MambaExtOptions> options, ICommunicator ranks, ILogger<ModelTrainer> log)
    {
        (_log, _ranks) = (log, ranks);
        Options = options.Value;
        if (Options.Threads > 0)
        {
            Compute.Threads = Options.Threads;
        }

        int threads = Compute.Threads;
        torch.set_num_threads(Options.Deterministic ? 1 : threads);
        Compute.Threads = threads;
    }

    /// <summary>What the program decided at its start.</summary>
    public MambaExtOptions Options { get; }

    /// <summary>Trains a model; each validated epoch is logged, and reported to <paramref name="progress"/>. Nothing is written.</summary>
    public TrainingOutcome Train<TBatch>(TrainingTask<TBatch> task, TrainingOptions options, IProgress<EpochReport>? progress = null, CancellationToken token = default)
    {
        TrainingOutcome outcome = Trainer.Run(task, options, new TransientHost(epoch => Report(epoch, progress)), Options.DataParallel ? _ranks : null, token);
        LogDone(outcome.Epochs, outcome.BestEpoch, outcome.Seconds);
        return outcome;
    }

    /// <summary>Trains the keys of an experiment in a new run folder, with checkpoints.</summary>
    /// <param name="name">Begins the folder's name</param>
    /// <param name="config">Written to <c>config.json</c></param>
    /// <param name="keys">Seeds, splits, folds</param>
    /// <param name="train">Trains one; hands the host to <see cref="Trainer"/></param>
    /// <param name="line">What an epoch writes to <c>metrics.jsonl</c></param>
    /// <param name="resume">The folder of a run that was cut, to go on with it</param>
    /// <param name="progress">Told of each epoch</param>
    /// <param name="token">Ends the run after the step under way, with a checkpoint</param>
    /// <returns>The results and the run's folder, empty on ranks that write nothing.</returns>
    public (IReadOnlyList<TResult> Results, string Folder) Run<TKey, TResult>(
        string name, object config, IReadOnlyList<TKey> keys, Func<TKey, ITrainingHost, TResult> train, Func<TKey, EpochReport, object> line,
        string? resume = null, IProgress<EpochReport>? progress = null, CancellationToken token = default)
    {
        var (experiment, folder) = Begin<TKey, TResult>(name, config, resume);
        using (folder)
        {
            return (experiment.Run(keys, train, Line, token: token), folder?.Path ?? "");
        }

        object Line(TKey key, EpochReport epoch)
        {
            Report(epoch, progress);
            return line(key, epoch);
        }
    }

    /// <summary>A new run folder, or the one to resume, and an experiment over it; the folder is null on ranks that write nothing. Collective.</summary>
    public (Experiment<TKey, TResult> Experiment, RunFolder? Folder) Begin<TKey, TResult>(string name, object config, string? resume = null)
    {
        RunFolder? folder = _ranks.Rank != 0 ? null : resume is null ? new RunFolder(RunFolder.NewPath(Options.RunsFolder, name)) : RunFolder.Open(resume);
        try
        {
            var experiment = new Experiment<TKey, TResult>(folder, Options.CheckpointEvery, LogNotice, _ranks, Options.DataParallel);
            if (resume is null)
            {
                folder?.WriteConfig(config);
            }
            else
            {
                experiment.Resume();
            }

            LogFolder(folder?.Path ?? $"of rank 0; this is rank {_ranks.Rank}");
            return (experiment, folder);
        }
        catch
        {
            folder?.Dispose();
            throw;
        }
    }

    private void Report(EpochReport epoch, IProgress<EpochReport>? progress)
    {
        LogEpoch(epoch.Epoch, epoch.Epochs, epoch.TrainLoss, epoch.Validation?.Score, epoch.Validation?.Loss);
        progress?.Report(epoch);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "epoch {Epoch} of {Epochs}: loss {TrainLoss}, validation score {Score}, loss {ValidationLoss}")]
    private partial void LogEpoch(int epoch, int epochs, double trainLoss, double? score, double? validationLoss);

    [LoggerMessage(Level = LogLevel.Information, Message = "trained {Epochs} epochs, kept epoch {BestEpoch}, {Seconds} s")]
    private partial void LogDone(int epochs, int bestEpoch, double seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "run folder {Folder}")]
    private partial void LogFolder(string folder);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Notice}")]
    private partial void LogNotice(string notice);
}
