using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MambaExt.Distributed;
using MambaExt.Training;

namespace MambaExt.Runs;

/// <summary>
/// Trainings one after the other (seeds, splits, folds, models) in one run folder, cut and resumed as a whole: a checkpoint holds the
/// results of those that are done and the state of the one under way, and knows how long <c>metrics.jsonl</c> was.
/// With several ranks each takes a training of its own, so many at a time, and a checkpoint is written when all of them are done:
/// <c>metrics.jsonl</c> has the same bytes for any number of ranks. Or, data-parallel, all ranks work on one training, and sums of
/// gradients round as their number says. Rank 0 alone writes.
/// </summary>
/// <typeparam name="TKey">What tells a training from the others</typeparam>
/// <typeparam name="TResult">What comes of one; serializable</typeparam>
public sealed partial class Experiment<TKey, TResult>
{
    // A score that is no number must not end the run that could report it.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly RunFolder? _folder;
    private readonly TimeSpan _every;
    private readonly ICommunicator _ranks;
    private readonly bool _dataParallel;
    private readonly Action<string>? _notice;
    private readonly List<TResult> _finished = [];
    private StateBag? _resumed;
    private bool _begun;
    private long _lastCheckpoint = Stopwatch.GetTimestamp();

    /// <summary>Nothing is read or written yet.</summary>
    /// <param name="folder">Where lines and checkpoints go; null on ranks other than 0</param>
    /// <param name="checkpointEvery">Least time between two checkpoints; zero for one at every occasion</param>
    /// <param name="notice">Told in a sentence of what a resume met</param>
    /// <param name="ranks">The processes of this run; default this one alone</param>
    /// <param name="dataParallel">All ranks share each training instead of taking one each</param>
    public Experiment(RunFolder? folder, TimeSpan checkpointEvery, Action<string>? notice = null, ICommunicator? ranks = null, bool dataParallel = false)
    {
        (_folder, _every, _notice, _ranks, _dataParallel) = (folder, checkpointEvery, notice, ranks ?? new SingleProcess(), dataParallel);
        if (folder is null == (_ranks.Rank == 0))
        {
            throw new ArgumentException($"Rank {_ranks.Rank} was given {(folder is null ? "no" : "a")} run folder; rank 0 writes to one and the others have none.");
        }
    }

    /// <summary>Results so far, those of earlier sessions included.</summary>
    public IReadOnlyList<TResult> Finished => _finished;

    /// <summary>Given to trainings that all ranks share; null where each has its own.</summary>
    public ICommunicator? Sharing => _dataParallel ? _ranks : null;

    /// <summary>Reads the newest checkpoint and takes the metrics behind it back. Without one the run starts at its beginning. Collective.</summary>
    public void Resume()
    {
        if (_folder is not null)
        {
            _resumed = _folder.Checkpoints.Latest(_notice);
            if (_resumed is null)
            {
                _notice?.Invoke("There is no checkpoint: the run starts at its beginning.");
            }

            _folder.CutMetrics(
                _resumed?.Value<long>("experiment.metrics_bytes") ?? 0, _resumed?.Values["experiment.last_line"] is null ? "" : _resumed.Value<string>("experiment.last_line"));
        }

        byte[] state = _ranks.Size == 1 ? [] : _ranks.AllGather(_resumed is null ? [] : _folder!.Checkpoints.LatestBytes())[0];
        if (state.Length > 0)
        {
            _resumed ??= CheckpointStore.Parse(state);
        }

        _begun = _resumed is not null;
        if (_resumed is null)
        {
            return;
        }

        foreach (JsonNode? result in _resumed.Values["experiment.finished"] as JsonArray ?? throw new InvalidDataException("The checkpoint has no 'experiment.finished', a list of results; it was not written by this version, start the run anew."))
        {
            _finished.Add(Read(result));
        }

        bool within = _resumed.Values.ContainsKey("step");
        _notice?.Invoke($"Resumed behind training {_finished.Count}{(within ? $" and step {_resumed.Value<long>("step")} of the next" : "")}.");
    }

    /// <summary>Trains each key in turn; those that a resumed run has behind it are not trained again.</summary>
    /// <param name="keys">In the order of their results; the same as when the run was started, and on all ranks</param>
    /// <param name="train">Trains one; hands the host and <see cref="Sharing"/> to <see cref="Trainer"/></param>
    /// <param name="line">What an epoch writes to <c>metrics.jsonl</c></param>
    /// <param name="keep">Whether the files that a training has attached are kept, over those of earlier ones; asked before <see cref="Finished"/> has its result. Default all</param>
    /// <param name="done">Told of each result, those of earlier sessions included</param>
    /// <param name="token">Asked after each step</param>
    public IReadOnlyList<TResult> Run(
        IReadOnlyList<TKey> keys, Func<TKey, ITrainingHost, TResult> train, Func<TKey, EpochReport, object> line,
        Func<TKey, TResult, bool>? keep = null, Action<TKey, TResult>? done = null, CancellationToken token = default)
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
        if (!_begun)
        {
            SaveBetween();
        }

        bool apart = _ranks.Size > 1 && !_dataParallel;
        while (_finished.Count < keys.Count)
        {
            token.ThrowIfCancellationRequested();
            int first = _finished.Count, mine = first + (apart ? _ranks.Rank : 0);
            var host = new Host(this, apart, mine < keys.Count ? epoch => line(keys[mine], epoch) : null);
            Share share = mine < keys.Count ? host.Finish(train(keys[mine], host)) : new Share([], default, []);
            foreach (Share one in apart ? Exchange(share).Take(keys.Count - first) : [share])
            {
                Accept(keys[_finished.Count], one, keep);
            }

            SaveBetween();
            for (int i = first; i < _finished.Count; i++)
            {
                done?.Invoke(keys[i], _finished[i]);
            }
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

    private void Accept(TKey key, Share share, Func<TKey, TResult, bool>? keep)
    {
        foreach (string text in share.Lines)
        {
            _folder?.AppendLine(text);
        }

        if (keep?.Invoke(key, share.Result!) ?? true)
        {
            foreach (Attachment file in share.Files)
            {
                _folder?.Write(file.Path, file.Content);
            }
        }

        _finished.Add(share.Result!);
    }

    private Share[] Exchange(Share own) =>
        [.. _ranks.AllGather(JsonSerializer.SerializeToUtf8Bytes(own, Json)).Select(bytes => JsonSerializer.Deserialize<Share>(bytes, Json)!)];

    private void SaveBetween()
    {
        using var between = new StateBag();
        Save(between);
    }

    private void Save(StateBag state)
    {
        if (_folder is not null)
        {
            state.Values["experiment.finished"] = JsonSerializer.SerializeToNode(_finished, Json);
            state.Values["experiment.metrics_bytes"] = _folder.FlushMetrics();
            state.Values["experiment.last_line"] = _folder.LastLine;
            _folder.Checkpoints.Save(state);
        }

        _lastCheckpoint = Stopwatch.GetTimestamp();
    }

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
}
