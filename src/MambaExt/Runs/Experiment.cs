using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MambaExt.Training;

namespace MambaExt.Runs;

/// <summary>
/// Trainings one after the other (seeds, splits, folds, models) in one run folder, cut and resumed as a whole: a checkpoint holds the
/// results of those that are done and the state of the one under way, and knows how long <c>metrics.jsonl</c> was.
/// </summary>
/// <typeparam name="TKey">What tells a training from the others</typeparam>
/// <typeparam name="TResult">What comes of one; serializable</typeparam>
/// <param name="folder">Where lines and checkpoints go</param>
/// <param name="checkpointEvery">Least time between two checkpoints; zero for one at every occasion</param>
/// <param name="notice">Told in a sentence of what a resume met</param>
public sealed class Experiment<TKey, TResult>(RunFolder folder, TimeSpan checkpointEvery, Action<string>? notice = null)
{
    // A score that is no number must not end the run that could report it.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };
    private readonly List<TResult> _finished = [];
    private StateBag? _resumed;
    private long _lastCheckpoint = Stopwatch.GetTimestamp();

    /// <summary>Results so far, those of earlier sessions included.</summary>
    public IReadOnlyList<TResult> Finished => _finished;

    /// <summary>Reads the newest checkpoint and takes the metrics behind it back. Without one the run starts at its beginning.</summary>
    public void Resume()
    {
        _resumed = folder.Checkpoints.Latest(notice);
        if (_resumed is null)
        {
            notice?.Invoke("There is no checkpoint: the run starts at its beginning.");
            folder.CutMetrics(0);
            return;
        }

        folder.CutMetrics(_resumed.Value<long>("experiment.metrics_bytes"), _resumed.Values["experiment.last_line"] is null ? "" : _resumed.Value<string>("experiment.last_line"));
        foreach (JsonNode? result in _resumed.Values["experiment.finished"] as JsonArray ?? throw new InvalidDataException("The checkpoint has no 'experiment.finished', a list of results; it was not written by this version, start the run anew."))
        {
            _finished.Add(Read(result));
        }

        bool within = _resumed.Values.ContainsKey("step");
        notice?.Invoke($"Resumed behind training {_finished.Count}{(within ? $" and step {_resumed.Value<long>("step")} of the next" : "")}.");
    }

    /// <summary>Trains each key in turn; those that a resumed run has behind it are not trained again.</summary>
    /// <param name="keys">In the order of their results; the same as when the run was started</param>
    /// <param name="train">Trains one; hands the host to <see cref="Trainer"/></param>
    /// <param name="line">What an epoch writes to <c>metrics.jsonl</c></param>
    /// <param name="done">Told of each result, those of earlier sessions included</param>
    /// <param name="token">Asked after each step</param>
    public IReadOnlyList<TResult> Run(
        IReadOnlyList<TKey> keys, Func<TKey, ITrainingHost, TResult> train, Func<TKey, EpochReport, object> line, Action<TKey, TResult>? done = null, CancellationToken token = default)
    {
        if (_finished.Count > keys.Count)
        {
            throw new InvalidDataException($"The checkpoint holds {_finished.Count} results of a run of {keys.Count} training(s); resume with the options the run was started with or start it anew.");
        }

        for (int i = 0; i < _finished.Count; i++)
        {
            done?.Invoke(keys[i], _finished[i]);
        }

        // A disk that is full or a folder that cannot be written is found here, not an hour later.
        if (_resumed is null)
        {
            using var empty = new StateBag();
            Save(empty);
        }

        while (_finished.Count < keys.Count)
        {
            token.ThrowIfCancellationRequested();
            TKey key = keys[_finished.Count];
            var host = new Host(this, key, line);
            TResult result = train(key, host);
            _finished.Add(result);
            using (var between = new StateBag())
            {
                Save(between);
            }

            done?.Invoke(key, result);
        }

        return _finished;
    }

    private static TResult Read(JsonNode? result)
    {
        try
        {
            return result.Deserialize<TResult>(Json) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("The checkpoint's results are not those of this command; it was not written by this version, start the run anew.", e);
        }
    }

    private TimeSpan Every => checkpointEvery;

    private void Append(object line) => folder.AppendMetrics(line);

    /// <summary>The state of the training that was cut, once; null where the run was cut between two.</summary>
    private StateBag? Take()
    {
        StateBag? state = _resumed;
        _resumed = null;
        if (state is null || state.Values.ContainsKey("step"))
        {
            return state;
        }

        state.Dispose();
        return null;
    }

    private void Save(StateBag state)
    {
        state.Values["experiment.finished"] = JsonSerializer.SerializeToNode(_finished, Json);
        state.Values["experiment.metrics_bytes"] = folder.FlushMetrics();
        state.Values["experiment.last_line"] = folder.LastLine;
        folder.Checkpoints.Save(state);
        _lastCheckpoint = Stopwatch.GetTimestamp();
    }

    private sealed class Host(Experiment<TKey, TResult> owner, TKey key, Func<TKey, EpochReport, object> line) : ITrainingHost
    {
        private readonly StateBag? _state = owner.Take();

        public bool CheckpointDue => Stopwatch.GetElapsedTime(owner._lastCheckpoint) >= owner.Every;

        public StateBag? TakeResumed() => _state;

        public void Report(EpochReport epoch) => owner.Append(line(key, epoch));

        public void Checkpoint(StateBag state) => owner.Save(state);
    }
}
