// Command liveboard serves live dashboards: one binary, one file.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"liveboard/assets"
	"liveboard/data"
	"liveboard/handlers"
	"liveboard/handlers/client"
	"liveboard/handlers/ingest"
	"liveboard/metrics"
	"liveboard/metrics/collect"
	"liveboard/metrics/live"
	"liveboard/metrics/query"
	"liveboard/metrics/rank"
	"liveboard/views"
	"liveboard/views/panels"
	"liveboard/views/press"
)

// Exit codes.
const (
	exitFailed  = 1 // could not start
	exitDamaged = 3 // the database is damaged
)

// gap is the shortest time between two moves of the screens.
const gap = 100 * time.Millisecond

// stopWithin bounds how long a stop waits for streams and requests.
const stopWithin = 4 * time.Second

type cli struct {
	Log      string `enum:"text,json" default:"text" env:"LIVEBOARD_LOG" help:"Form of the log on stderr: ${enum}."`
	LogLevel string `enum:"debug,info,warn,error" default:"info" env:"LIVEBOARD_LOG_LEVEL" help:"Least level to log: ${enum}."`

	Serve   serve          `cmd:"" default:"withargs" help:"Serve the board (the default command)."`
	Check   check          `cmd:"" help:"Check a board file, or print the built-in one."`
	Score   client.Score   `cmd:"" help:"Submit scores to a running server, and moderate them."`
	Doctor  client.Doctor  `cmd:"" help:"Examine what lies between here and a server, and what that does to streams."`
	Token   client.Token   `cmd:"" help:"Make, list and revoke tokens."`
	Key     client.Key     `cmd:"" help:"Make, list and revoke the keys that sign scores."`
	Backup  client.Backup  `cmd:"" help:"Write a verified copy of the database, beside a server that may run."`
	Verify  client.Verify  `cmd:"" help:"Read all of the database or a backup, and say what is wrong."`
	Restore client.Restore `cmd:"" help:"Put a backup in the place of the database."`
	Export  client.Export  `cmd:"" help:"Write raw samples as CSV or JSON, beside a server that may run."`
	Import  client.Import  `cmd:"" help:"Store files of samples of any age in a database that no server has."`
	Version version        `cmd:"" help:"Print the version."`
}

func main() {
	var c cli
	parsed := kong.Parse(&c, kong.Name("liveboard"),
		kong.Description("Live dashboards from one binary and one file."), kong.Exit(exit))
	slog.SetDefault(c.logger())
	time.Local = localZone()
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "liveboard:", err)
		if errors.Is(err, data.ErrDamaged) {
			os.Exit(exitDamaged)
		}
		os.Exit(exitFailed)
	}
}

// exit turns kong's own codes into ours.
func exit(code int) { os.Exit(min(code, exitFailed)) }

func (c *cli) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		panic(err) // the command line allows only levels
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Log == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

// localZone returns the machine's zone by its name, where that can be found: browsers can then
// follow its daylight saving time.
func localZone() *time.Location {
	name := os.Getenv("TZ")
	if target, err := os.Readlink("/etc/localtime"); name == "" && err == nil {
		_, name, _ = strings.Cut(target, "zoneinfo/")
	}
	if zone, err := time.LoadLocation(name); err == nil && name != "" {
		return zone
	}
	return time.Local
}

type version struct{}

func (version) Run() error {
	info, _ := debug.ReadBuildInfo()
	fmt.Printf("liveboard %s, build %s, %s, %s/%s\n", info.Main.Version, assets.Build(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

type check struct {
	Default bool   `help:"Print the built-in board instead: a good start for a file of your own."`
	File    string `arg:"" optional:"" help:"The board file."`
}

func (c check) Run() error {
	if c.Default && c.File != "" {
		return errors.New("--default prints the built-in board: it takes no file")
	}
	if c.Default {
		_, err := os.Stdout.Write(data.DefaultBoard())
		return err
	}
	if c.File == "" {
		return errors.New("name the board file to check, or ask for --default")
	}
	board, err := data.LoadBoard(c.File, boardCheck)
	if err != nil {
		return err
	}
	fmt.Printf("%s is good. Dashboards: %d, leaderboards: %d, collectors: %d\n",
		c.File, len(board.Dashboards), len(board.Leaderboards), len(board.Collectors))
	return nil
}

// boardCheck is what the board file's reader has to be told about the floors above it.
var boardCheck = data.BoardCheck{
	Panel: panels.Check,
	Expr:  query.Check,
	Collector: func(c metrics.CollectorConfig, before []metrics.CollectorConfig) (metrics.CollectorConfig, error) {
		c = collect.Defaults(c)
		return c, collect.Check(append(before, c)...)
	},
	Relabel: collect.CheckRelabel,
}

type serve struct {
	Listen               string `default:"127.0.0.1:8080" env:"LIVEBOARD_LISTEN" help:"Address to listen on; port 0 takes a free one."`
	Data                 string `default:"data/liveboard.db" env:"LIVEBOARD_DATA" help:"The database file."`
	Board                string `default:"liveboard.yaml" env:"LIVEBOARD_BOARD" help:"The board file. Without it the built-in board is shown."`
	PublicURL            string `env:"LIVEBOARD_PUBLIC_URL" help:"Where people reach the server, such as https://liveboard.example: for links and QR codes."`
	InsecureOpen         bool   `env:"LIVEBOARD_INSECURE_OPEN" help:"Listen on other addresses than loopback, where anyone who reaches them sees everything."`
	MaxStreams           int    `default:"0" env:"LIVEBOARD_MAX_STREAMS" help:"Event streams open at once; 0 is as many as the open-file limit allows."`
	MaxStreamsPerAddress int    `default:"64" env:"LIVEBOARD_MAX_STREAMS_PER_ADDRESS" help:"Event streams that one address may hold open."`
	NoIOUring            bool   `name:"no-io-uring" env:"LIVEBOARD_NO_IO_URING" help:"Write streams without io_uring, as where the kernel forbids it."`
	MaxStreamsPerEmbed   int    `default:"10000" env:"LIVEBOARD_MAX_STREAMS_PER_EMBED" help:"Event streams that the embeds of one dashboard or leaderboard may hold open."`

	MaxSeries         int `default:"100000" env:"LIVEBOARD_MAX_SERIES" help:"Series in all."`
	MaxSeriesPerToken int `default:"50000" env:"LIVEBOARD_MAX_SERIES_PER_TOKEN" help:"Series that one token may bring."`

	HTTPS   handlers.HTTPS `embed:""`
	Sockets ingest.Sockets `embed:""`
	Backup  backupPlan     `embed:"" prefix:"backup-"`
}

type backupPlan struct {
	Dir  string `env:"LIVEBOARD_BACKUP_DIR" help:"The folder of the nightly backups; beside the database where it is left out."`
	Keep int    `default:"3" env:"LIVEBOARD_BACKUP_KEEP" help:"How many nightly backups stay; 0 makes none."`
	At   string `default:"03:00" env:"LIVEBOARD_BACKUP_AT" help:"The time of day of the nightly backup, as hh:mm."`
}

func (p backupPlan) plan() (data.BackupPlan, error) {
	at, err := time.Parse("15:04", p.At)
	switch {
	case err != nil:
		return data.BackupPlan{}, fmt.Errorf("--backup-at %s: write a time of day such as 03:00", p.At)
	case p.Keep < 0:
		return data.BackupPlan{}, errors.New("--backup-keep must be at least 1, or 0 for no backups")
	}
	return data.BackupPlan{Folder: p.Dir, Keep: p.Keep, At: time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute}, nil
}

// Validate checks what the types of the flags cannot say.
func (s serve) Validate() error {
	if s.MaxStreams < 0 {
		return errors.New("--max-streams must be at least 1, or 0 for as many as the open-file limit allows")
	}
	if s.MaxStreamsPerAddress < 1 {
		return errors.New("--max-streams-per-address must be at least 1")
	}
	if s.MaxStreamsPerEmbed < 1 {
		return errors.New("--max-streams-per-embed must be at least 1")
	}
	if s.MaxSeries < 1 || s.MaxSeriesPerToken < 1 {
		return errors.New("--max-series and --max-series-per-token must be at least 1")
	}
	if s.PublicURL != "" && !strings.HasPrefix(s.PublicURL, "http://") && !strings.HasPrefix(s.PublicURL, "https://") {
		return fmt.Errorf("--public-url %s: write it with http:// or https:// before it", s.PublicURL)
	}
	if _, err := s.Backup.plan(); err != nil {
		return err
	}
	if err := s.Sockets.Check(func(flag, address string) error {
		return s.mayOpen(flag, address, "its protocol has no tokens: listen on 127.0.0.1")
	}); err != nil {
		return err
	}
	return s.HTTPS.Check()
}

// Run serves until SIGINT or SIGTERM.
func (s serve) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := s.listen()
	if err != nil {
		return err
	}
	defer listener.Close()
	doors, err := s.HTTPS.Open(listener, s.Data, s.PublicURL)
	if err != nil {
		return err
	}
	defer doors.CloseRedirect()
	sockets, err := s.Sockets.Open()
	if err != nil {
		return err
	}
	defer sockets.Close()
	if err := assets.Load(); err != nil {
		return err
	}
	if _, err := os.Stat(s.Board); errors.Is(err, fs.ErrNotExist) {
		slog.Info("no board file: the built-in board is shown until there is one", "board", s.Board)
	}
	if s.InsecureOpen {
		slog.Warn("open to everyone who can reach this address", "listen", s.Listen)
	}
	file, err := data.OpenBoard(s.Board, boardCheck)
	if err != nil {
		return err
	}
	plan, err := s.Backup.plan()
	if err != nil {
		return err
	}
	backups := data.NewBackups(s.Data, plan, slog.Default())
	store, err := data.Open(s.Data, slog.Default())
	if errors.Is(err, data.ErrNoDatabase) {
		return fmt.Errorf("%w. Does --data name the right file? If so, %s", err, backups.Cure())
	}
	if errors.Is(err, data.ErrDamaged) {
		return fmt.Errorf("%w: %s", err, backups.Cure())
	}
	if err != nil {
		return err
	}
	if err := backups.Prepare(); err != nil {
		return errors.Join(fmt.Errorf("%w: see --backup-dir, or --backup-keep=0 for none", err), store.Close())
	}
	p, err := s.assemble(store, file, backups)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	server := s.server(p)
	p.past = ingest.Past{}
	return errors.Join(p.run(ctx, stop, doors, server, sockets), store.Close())
}

func (s serve) listen() (net.Listener, error) {
	if err := s.mayOpen("--listen", s.Listen, "there is no access control yet: listen on 127.0.0.1 behind a proxy that has one"); err != nil {
		return nil, err
	}
	return handlers.Listen(s.Listen, "--listen")
}

// mayOpen refuses an address that others can reach unless told that this is meant.
func (s serve) mayOpen(flag, address, because string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %s: %w", flag, address, err)
	}
	addr, err := netip.ParseAddr(host)
	if loopback := host == "localhost" || err == nil && addr.IsLoopback(); !loopback && !s.InsecureOpen {
		return fmt.Errorf("%s %s can be reached from other machines, and %s, or say --insecure-open", flag, address, because)
	}
	return nil
}

func (s serve) server(p *program) *handlers.Server {
	return handlers.New(handlers.Config{
		Press:      p.press,
		Prometheus: query.NewPrometheus(p.store.Head()),
		Catalog:    p.catalog,
		Recorder:   p.recorder,
		Past:       p.past,
		Boards:     p.boards,
		Ledger:     p.ledger,
		Tokens:     p.store.Tokens(),
		Keys:       p.store.Keys(),
		Store:      p.store,
		Backups:    p.backups,
		PublicURL:  strings.TrimSuffix(s.PublicURL, "/"),
		Registry:   p.registry,
		Checks: []handlers.Check{
			{Name: "store", Run: p.store.Ping},
			{Name: "collectors", Run: func(context.Context) error { return p.runner.Healthy() }},
			{Name: "backup", Run: func(context.Context) error { return p.backups.Healthy() }},
		},
		Build:   assets.Build(),
		Streams: handlers.StreamLimits{All: cmp.Or(s.MaxStreams, handlers.MostStreams()), PerAddress: s.MaxStreamsPerAddress, PerEmbed: s.MaxStreamsPerEmbed},
		NoRing:  s.NoIOUring,
	})
}

// program is everything between the database and HTTP.
type program struct {
	store    *data.Store
	backups  *data.Backups
	file     *data.BoardFile
	hub      *live.Hub
	recorder *metrics.Recorder
	arrivals metrics.Arrivals
	fresh    bool // some came that the hub does not know of; of the recorder's goroutine
	past     ingest.Past
	ledger   *rank.Ledger
	boards   *query.Boards
	press    *press.Press
	registry *prometheus.Registry
	runner   *collect.Runner
	catalog  *metrics.Catalog
}

func (s serve) assemble(store *data.Store, file *data.BoardFile, backups *data.Backups) (*program, error) {
	p := &program{store: store, backups: backups, file: file, hub: live.New(gap), registry: prometheus.NewRegistry(), catalog: metrics.NewCatalog()}
	found := store.Arrivals()
	p.arrivals.Add(found...)
	p.past = ingest.Past{Arrivals: found, Stored: store.Head()}
	p.recorder = metrics.NewRecorder(metrics.RecorderConfig{
		Log:               store,
		Applier:           store.Head(),
		Bell:              p.ring,
		Arrived:           p.arrived,
		MaxSeries:         s.MaxSeries,
		MaxSeriesPerToken: s.MaxSeriesPerToken,
		SeriesPerToken:    metrics.PerToken(found),
	})
	store.OnForget(p.forgotten)
	var err error
	specs, engine := file.Board().Leaderboards, query.New(store.Head())
	if p.ledger, err = rank.NewLedger(context.Background(), rank.LedgerConfig{Log: store.Scores(), Bell: p.ringBoards}, query.Submitted(specs)); err != nil {
		return nil, err
	}
	if p.boards, err = query.NewBoards(p.ledger, engine, p.hub, specs); err != nil {
		return nil, err
	}
	p.press = press.New(p.hub, engine, p.boards, file.Board(), assets.Build())
	p.press.ShowArrivals(&p.arrivals, store.Tokens())
	p.runner = collect.NewRunner(p.recorder, collect.Deps{Log: slog.Default(), Gatherer: p.registry, Catalog: p.catalog})
	p.register()
	store.SetStorage(file.Board().Storage)
	warnOfSecrets(file.Board())
	return p, p.runner.Set(file.Board().Collectors)
}

// arrived notes series that are new. The hub hears of them with their metrics: a move of their own would make those wait.
func (p *program) arrived(arrivals []metrics.Arrival) {
	p.arrivals.Add(arrivals...)
	p.fresh = true
}

// forgotten makes room for others in the place of series that are deleted.
func (p *program) forgotten(gone []metrics.Arrival) {
	p.arrivals.Forget(gone...)
	p.recorder.Forget(gone)
	p.hub.Touch(press.ArrivalsTopic)
}

// ring tells the hub which metrics moved.
func (p *program) ring(names []string) {
	if p.fresh {
		p.fresh = false
		names = append(names, press.ArrivalsTopic)
	}
	p.hub.Touch(names...)
}

// ringBoards tells the hub which leaderboards moved.
func (p *program) ringBoards(names []string) {
	for _, name := range names {
		p.hub.Touch(query.Topic(name))
	}
}

// run serves until ctx ends, then stops in the order in which samples flow: who asks, who writes,
// what is written. forget makes a second signal end the process at once.
func (p *program) run(ctx context.Context, forget func(), doors *handlers.Doors, s *handlers.Server, sockets ingest.Listeners) error {
	working, stopWork := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { p.runner.Run(working) })
	work.Go(func() { s.Run(working) })
	work.Go(func() { p.file.Run(working, p.boardChanged) })
	work.Go(func() { p.backups.Run(working) })

	server := s.HTTP()
	failed := make(chan error, 2)
	sockets.Serve(s.Intake())
	doors.Serve(server, failed)

	var err error
	select {
	case <-ctx.Done():
		forget()
		slog.Info("stopping")
	case err = <-failed:
	}
	s.Stop()
	doors.CloseRedirect()
	deadline, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if e := server.Shutdown(deadline); e != nil {
		slog.Warn("some requests were cut off", "error", e)
		err = errors.Join(err, server.Close())
	}
	if e := s.Wait(deadline); e != nil {
		slog.Warn("some streams were cut off", "error", e)
	}
	sockets.Close()
	stopWork()
	work.Wait()
	p.recorder.Close()
	p.ledger.Close()
	p.press.Close()
	p.hub.Close()
	slog.Info("stopped")
	return err
}

// warnOfSecrets logs which webhooks have a secret that is not there.
func warnOfSecrets(board *metrics.Board) {
	for _, hook := range board.Webhooks {
		if hook.SecretEnv != "" && os.Getenv(hook.SecretEnv) == "" {
			slog.Warn("webhook secret not set: what bears a signature is refused", "webhook", hook.Name, "key", "secret-env")
		}
	}
}

// boardChanged brings a new board to every open screen, or the news that it is broken to every desk.
func (p *program) boardChanged(board *metrics.Board, err error) {
	if err == nil {
		err = p.runner.Set(board.Collectors)
	}
	if err == nil {
		err = p.boards.Set(context.Background(), board.Leaderboards)
	}
	if err != nil {
		slog.Error("board file not used", "error", err)
		p.press.SetNotice(noticeOf(err))
		return
	}
	p.store.SetStorage(board.Storage)
	warnOfSecrets(board)
	slog.Info("board file read", "dashboards", len(board.Dashboards), "leaderboards", len(board.Leaderboards))
	p.press.SetBoard(board)
}

func noticeOf(err error) views.NoticeModel {
	n := views.NoticeModel{Title: "The board file is not used: the last good board is shown."}
	if wrong := (*data.BoardError)(nil); errors.As(err, &wrong) {
		n.Where = fmt.Sprintf("%s:%d:%d: %v", wrong.File, wrong.Line, wrong.Column, wrong.Err)
		n.Excerpt = wrong.Excerpt
		return n
	}
	n.Where = err.Error()
	return n
}

// register presents the program's numbers to /metrics and to the collector "self".
func (p *program) register() {
	counter := func(name, help string, value func(metrics.RecorderStats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(value(p.recorder.Stats())) })
	}
	began := time.Now()
	backup := func(name, help string, value func(data.BackupStats) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "liveboard_backup_" + name, Help: help},
			func() float64 { return value(p.backups.Stats()) })
	}
	p.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		counter("liveboard_ingested_samples_total", "Samples made durable.", func(s metrics.RecorderStats) uint64 { return s.Samples }),
		counter("liveboard_ingested_batches_total", "Batches made durable.", func(s metrics.RecorderStats) uint64 { return s.Batches }),
		counter("liveboard_ingest_failures_total", "Groups that the store could not take.", func(s metrics.RecorderStats) uint64 { return s.Failures }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "liveboard_series", Help: "Known series."},
			func() float64 { return float64(p.store.Head().Len()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "liveboard_revisions_total", Help: "Moves of the hub: how often some screen may have changed."},
			func() float64 { return float64(p.hub.Rev()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "liveboard_backup_failures_total", Help: "Nightly backups that failed."},
			func() float64 { return float64(p.backups.Stats().Failed) }),
		backup("age_seconds", "Age of the newest nightly backup; of this process where there is none.",
			func(s data.BackupStats) float64 { return time.Since(cmp.Or(s.NewestAt, began)).Seconds() }),
		backup("bytes", "Size of the newest nightly backup.", func(s data.BackupStats) float64 { return float64(s.Bytes) }),
		backup("seconds", "Time that the last nightly backup took.", func(s data.BackupStats) float64 { return s.Took.Seconds() }),
		handlers.Histogram("liveboard_commit_seconds", "Time from the arrival of a batch to its durable commit.",
			func() metrics.HistogramSnapshot { return p.recorder.Stats().Commit }),
		handlers.Storage(p.store.Usage),
		handlers.Histogram("liveboard_print_seconds", "Time to query and print one panel.", p.press.Prints),
	)
}
