//! The names of Python 3.14 that docs/from-asyncio.md must have a row for.

/// `asyncio.__all__` on Unix.
pub(crate) const PACKAGE: &str = "
    BaseEventLoop Server iscoroutinefunction iscoroutine AbstractEventLoop AbstractServer Handle TimerHandle
    get_event_loop_policy set_event_loop_policy get_event_loop set_event_loop new_event_loop _set_running_loop
    get_running_loop _get_running_loop BrokenBarrierError CancelledError InvalidStateError TimeoutError
    IncompleteReadError LimitOverrunError SendfileNotAvailableError Future wrap_future isfuture
    future_discard_from_awaited_by future_add_to_awaited_by capture_call_graph format_call_graph
    print_call_graph FrameCallGraphEntry FutureCallGraph Lock Event Condition Semaphore BoundedSemaphore Barrier
    BaseProtocol Protocol DatagramProtocol SubprocessProtocol BufferedProtocol Runner run Queue PriorityQueue
    LifoQueue QueueFull QueueEmpty QueueShutDown StreamReader StreamWriter StreamReaderProtocol open_connection
    start_server open_unix_connection start_unix_server create_subprocess_exec create_subprocess_shell Task
    create_task FIRST_COMPLETED FIRST_EXCEPTION ALL_COMPLETED wait wait_for as_completed sleep gather shield
    ensure_future run_coroutine_threadsafe current_task all_tasks create_eager_task_factory eager_task_factory
    _register_task _unregister_task _enter_task _leave_task TaskGroup to_thread Timeout timeout timeout_at
    BaseTransport ReadTransport WriteTransport Transport DatagramTransport SubprocessTransport SelectorEventLoop
    _DefaultEventLoopPolicy EventLoop";

/// What `__all__` has on Windows beside that.
pub(crate) const WINDOWS: &str = "
    ProactorEventLoop IocpProactor _WindowsSelectorEventLoopPolicy _WindowsProactorEventLoopPolicy";

/// Types, with the methods that must have a row in a section `Methods of <type>`.
pub(crate) const METHODS: &[(&str, &str)] = &[
    (
        "Task",
        "done result exception add_done_callback remove_done_callback get_name set_name get_coro get_context
         get_loop get_stack print_stack cancel cancelled cancelling uncancel",
    ),
    (
        "Future",
        "done cancelled result exception set_result set_exception cancel add_done_callback
         remove_done_callback get_loop",
    ),
    ("TaskGroup", "create_task cancel"),
    ("Timeout", "when reschedule expired"),
    ("Runner", "run close get_loop"),
    ("Handle", "cancel cancelled when"),
    (
        "the loop",
        "add_reader add_signal_handler add_writer call_at call_exception_handler call_later call_soon
         call_soon_threadsafe close connect_accepted_socket connect_read_pipe connect_write_pipe
         create_connection create_datagram_endpoint create_future create_server create_task
         create_unix_connection create_unix_server default_exception_handler get_debug get_exception_handler
         get_task_factory getaddrinfo getnameinfo is_closed is_running remove_reader remove_signal_handler
         remove_writer run_forever run_in_executor run_until_complete sendfile set_debug set_default_executor
         set_exception_handler set_task_factory shutdown_asyncgens shutdown_default_executor
         slow_callback_duration sock_accept sock_connect sock_recv sock_recv_into sock_recvfrom
         sock_recvfrom_into sock_sendall sock_sendfile sock_sendto start_tls stop subprocess_exec
         subprocess_shell time",
    ),
    (
        "contextvars",
        "ContextVar get set reset name Token var old_value MISSING Context run copy copy_context",
    ),
];
